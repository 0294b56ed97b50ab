"""The processes of a local run, in the order they start and in the order they stop."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from apps.embedded.processes import Child

# Readers and writers first, so that the streamer's first record finds a collector.
START_ORDER = ("collector", "gateway", "streamer", "uploads", "tasks")
# From the source on: what was taken in is still stored. Servers stop after these.
STOP_ORDER = ("streamer", "uploads", "collector", "gateway", "tasks")
# Asked first and waited for last: nothing depends on it, and Celery looks at the signal only
# between its 2 s waits for work (measured: 3 to 4 s until it has left).
SLOW_TO_STOP = "tasks"


@dataclass(frozen=True)
class Demo:
    """The simulated fleet that a local run replays, one record per GPU and second."""

    hosts: int = 16
    gpus_per_host: int = 8
    seconds: int = 1200

    @property
    def gpus(self) -> int:
        """GPUs of the fleet, which is also the records per second of its replay."""
        return self.hosts * self.gpus_per_host

    def path(self, var_dir: Path) -> Path:
        """Its file; the name carries the figures, so that changed figures make a new file."""
        return var_dir / "demo" / f"fleet-{self.hosts}x{self.gpus_per_host}-{self.seconds}s.csv"

    def arguments(self, path: Path) -> list[str]:
        """How `makecsv` writes it."""
        return [
            "makecsv", "--layout", "wide", "--interval", "1", "--seconds", str(self.seconds),
            "--hosts", str(self.hosts), "--gpus-per-host", str(self.gpus_per_host),
            "--output", str(path),
        ]  # fmt: skip


def arguments(demo: Demo, port: int, var_dir: Path) -> dict[str, list[str]]:
    """Each program's arguments to Python."""
    return {
        "collector": ["manage.py", "runcollector"],
        "gateway": ["manage.py", "rungateway", "--host", "127.0.0.1", "--port", str(port)],
        "streamer": [
            "manage.py", "runstreamer", "--path", str(demo.path(var_dir)),
            "--loop", "--rate", str(demo.gpus),
        ],
        "uploads": ["manage.py", "runstreamer", "--uploads"],
        "tasks": [
            "-m", "celery", "-A", "telemetry_project", "--quiet", "worker", "--beat",
            "--pool", "solo", "--loglevel", "INFO",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        ],
    }  # fmt: skip


def child(
    name: str, argv: list[str], base_dir: Path, environment: Mapping[str, str], log_dir: Path
) -> Child:
    """One program as a child process with its own log."""
    return Child(
        name=name,
        argv=[sys.executable, *argv],
        log=log_dir / f"{name}.log",
        env={**environment, "PYTHONUNBUFFERED": "1"},
        cwd=base_dir,
    )
