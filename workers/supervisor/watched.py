"""One process under watch: its log is followed, and it is restarted when it dies."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from apps.embedded.processes import Child, StartFailed
from workers.supervisor.log_follower import LogFollower
from workers.supervisor.restarts import Restarts


@dataclass
class Watched:
    """`child` gives the present process; `restart` replaces it and may raise StartFailed."""

    name: str
    child: Callable[[], Child]
    restart: Callable[[], None]
    say: Callable[[str], None]
    restarts: Restarts = field(default_factory=Restarts)
    _started: float = field(default_factory=time.monotonic)
    _due: float | None = None

    def __post_init__(self) -> None:
        self._follower = LogFollower(self.child().log)

    def step(self) -> bool:
        """Forward loud log lines and see to it that it runs; False when it died too often."""
        for line in self._follower.loud_lines():
            self.say(f"[{self.name}] {line}")
        if self._due is not None:
            return time.monotonic() < self._due or self._start_again()
        return self.child().running or self._schedule(how_it_ended(self.child()))

    def _start_again(self) -> bool:
        self._due = None
        self._started = time.monotonic()
        try:
            self.restart()
        except StartFailed as error:
            return self._schedule(f"could not be started again: {error}")
        self.say(f"[{self.name}] runs again")
        return True

    def _schedule(self, what_happened: str) -> bool:
        delay_s = self.restarts.delay_after(time.monotonic() - self._started)
        log, tail = self.child().log, self.child().tail()
        self.say(f"[{self.name}] {what_happened}; the end of {log}:\n{tail}")
        if delay_s is None:
            self.say(f"[{self.name}] died {self.restarts.deaths} times in a row: giving up")
            return False
        attempt = f"attempt {self.restarts.deaths} of {self.restarts.limit}"
        self.say(f"[{self.name}] starts again in {delay_s:g} s ({attempt})")
        self._due = time.monotonic() + delay_s
        return True


def how_it_ended(child: Child) -> str:
    """In words: the exit code, or the signal's name."""
    code = child.returncode
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended unexpectedly with exit code {code}"
