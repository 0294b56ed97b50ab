"""The streamers and collectors of an experiment: real processes, started, killed and watched."""

import random
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from apps.embedded.processes import Child
from tests.faults import telemetry_file
from tests.faults.scale import Scale

ROOT = Path(__file__).parents[2]
STOP_S = 30.0


@dataclass
class Streamer:
    """One streamer and its file, which is acknowledged when the process ends with 0."""

    child: Child
    path: Path
    done: bool = False


class Fleet:
    """What runs, and what went wrong with it; for the thread that made it."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str], scale: Scale, points: tuple[str, ...]
    ) -> None:
        self._directory = directory
        self._environment = environment
        self._scale = scale
        self._points = points
        self._names = 0
        self._doomed: set[str] = set()
        self.draw = random.Random(scale.seed)
        self.collectors: list[Child] = []
        self.streamers: list[Streamer] = []
        self.problems: list[str] = []

    def start_collector(self) -> Child:
        """One more collector."""
        program = [sys.executable, str(ROOT / "manage.py")]
        if self._points:
            program = [sys.executable, "-m", "tests.faults.failpoints", ",".join(self._points)]
        child = self._start("collector", [*program, "runcollector"])
        self.collectors.append(child)
        return child

    def kill_a_collector(self) -> None:
        """SIGKILL to any one, and a new one in its place."""
        victim = self.draw.choice(self.collectors)
        self.collectors.remove(victim)
        victim.kill()
        self.start_collector()

    def expect_death(self) -> Child:
        """Any one, which is about to be killed and is replaced when it is."""
        victim = self.draw.choice([one for one in self.collectors if one.name not in self._doomed])
        self._doomed.add(victim.name)
        return victim

    def stop_a_collector(self) -> None:
        """SIGTERM to the one that has run longest, which must leave in order."""
        self._stop([self.collectors.pop(0)])

    def start_streamers(self) -> None:
        """One streamer for each file."""
        scale = self._scale
        for number in range(scale.streamers):
            path = self._directory / f"load-{number}-{self._names}.csv"
            rows = scale.records // scale.streamers
            telemetry_file.write(path, f"h{number}x{self._names}", rows, scale.seed)
            self.streamers.append(Streamer(self._streamer(path), path))

    def kill_a_streamer(self) -> None:
        """SIGKILL to any one that is at work; it starts again from the beginning of its file."""
        working = [one for one in self.streamers if one.child.running]
        if working:
            self.draw.choice(working).child.kill()

    def look(self) -> None:
        """Note who has ended: finished streamers, dead ones to start again, dead collectors."""
        for streamer in self.streamers:
            if not streamer.done and not streamer.child.running:
                self._ended(streamer)
        for child in [child for child in self.collectors if not child.running]:
            self.collectors.remove(child)
            if not self._was_killed_on_purpose(child):
                self.problems.append(f"{child.name} ended by itself: {child.tail()[-500:]}")
            self.start_collector()

    def _was_killed_on_purpose(self, child: Child) -> bool:
        """A failpoint may still be met on the way out."""
        expected = bool(self._points) or child.name in self._doomed
        return expected and child.returncode == -signal.SIGKILL

    def _ended(self, streamer: Streamer) -> None:
        if streamer.child.returncode == 0:
            streamer.done = True
            return
        if streamer.child.returncode != -signal.SIGKILL:
            self.problems.append(
                f"a streamer ended with {streamer.child.returncode}: {streamer.child.tail()[-500:]}"
            )
        streamer.child = self._streamer(streamer.path)

    @property
    def streaming(self) -> bool:
        """Whether a file is not acknowledged to its end."""
        return not all(streamer.done for streamer in self.streamers)

    def rest(self, seconds: float) -> None:
        """Let time pass, and keep an eye on the processes."""
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            self.look()
            time.sleep(min(0.1, left))

    def stop_collectors(self) -> None:
        """SIGTERM to all, which must leave in order."""
        collectors, self.collectors = self.collectors, []
        self._stop(collectors)

    def kill(self) -> None:
        """End everything at once."""
        for child in [*self.collectors, *(streamer.child for streamer in self.streamers)]:
            child.kill()

    def _stop(self, collectors: list[Child]) -> None:
        for child in collectors:
            child.ask_to_stop()
        for child in collectors:
            ended = child.wait(STOP_S)
            if not (ended and (child.returncode == 0 or self._was_killed_on_purpose(child))):
                self.problems.append(f"{child.name} did not stop in order: {child.tail()[-500:]}")
            child.kill()

    def _streamer(self, path: Path) -> Child:
        rate = self._scale.records / self._scale.streamers / self._scale.load_s
        return self._start(
            "streamer",
            [
                sys.executable, str(ROOT / "manage.py"), "runstreamer", "--path", str(path),
                "--once", "--no-restamp", "--rate", f"{rate:.1f}",
            ],
        )  # fmt: skip

    def _start(self, kind: str, argv: list[str]) -> Child:
        self._names += 1
        name = f"{kind}-{self._names}"
        child = Child(name, argv, self._directory / f"{name}.log", self._environment, ROOT)
        child.start()
        return child
