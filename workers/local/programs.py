"""The programs of a local run."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from apps.embedded.processes import Child

# One stores the demo. More, of 100 to 170 MB each, come with what is streamed beside it.
COLLECTORS = "1..4"


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
        "pipeline": [
            "manage.py", "runpipeline", "--collectors", COLLECTORS,
            "--", "--path", str(demo.path(var_dir)), "--loop", "--rate", str(demo.gpus),
        ],
        "gateway": ["manage.py", "rungateway", "--host", "127.0.0.1", "--port", str(port)],
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
