"""The real stack with its workers, for a browser to look at."""

import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import structs

from apps.embedded.ports import free_port
from apps.embedded.processes import Child
from apps.embedded.stack import Stack
from apps.mq import Message, Publisher, QueueConfig
from apps.telemetry.records import Record, encode

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
STRANGE = "GPU-strange"
CLUSTER = "browser"
ADMIN, PASSWORD = "keeper", "a password for tests"
WORKERS = {
    "collector": ["runcollector"],
    "uploads": ["runstreamer", "--uploads"],
}


class Site:
    """A gateway at `address`, whose collector stores what `publish` sends."""

    def __init__(self, stack: Stack) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = stack.environment() | {
            "CLUSTER_ID": CLUSTER, "HTTPS": "false", "ADMIN_PASSWORD": PASSWORD,
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }  # fmt: skip
        self._log = stack.directory / "log"
        config = QueueConfig(endpoints=tuple(stack.etcd_endpoints), cluster=CLUSTER)
        self._children: list[Child] = []
        self._publisher = Publisher(config)

    def start(self) -> None:
        """Tables, a person who may do everything, and the processes; returns when it is ready."""
        self._manage("migrate", "--verbosity", "0")
        self._manage(
            "createsuperuser", "--noinput", "--username", ADMIN, "--email", "keeper@example.org"
        )
        gateway = ["rungateway", "--port", str(self.port)]
        for name, arguments in ({"gateway": gateway} | WORKERS).items():
            child = Child(
                name, self._command(arguments), self._log / f"{name}.log", self.environment, ROOT
            )
            child.start()
            self._children.append(child)
        until(lambda: _answers(f"{self.address}/ready"))

    def stop(self) -> None:
        """End every process."""
        self._publisher.close()
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.stop(20.0)

    def publish(
        self, hosts: int = 2, gpus: int = 8, at: datetime | None = None, **metrics: float
    ) -> None:
        """One record of each GPU, stamped now unless told; the rest has values of its own."""
        now = at or datetime.now(UTC)
        self._publisher.publish(
            [
                Message(f"node-{host}", str(gpu), encode(_record(now, host, gpu, metrics)))
                for host in range(hosts)
                for gpu in range(gpus)
            ]
        )
        self._publisher.flush()

    def stream_demo(self, file: Path, seconds: int = 60) -> None:
        """The demo fleet's last minute, 31 hosts of 8 GPUs."""
        start = datetime.now(UTC) - timedelta(seconds=seconds)
        self._manage(
            "makecsv", "--hosts", "31", "--gpus-per-host", "8", "--seconds", str(seconds),
            "--interval", "5", "--start", f"{start:%Y-%m-%dT%H:%M:%SZ}", "--output", str(file),
        )  # fmt: skip
        self._manage("runstreamer", "--path", str(file), "--once", "--no-restamp")

    def publish_strange(self, hostname: str, model: str) -> None:
        """One record of a GPU whose host and model have these names."""
        named = {"hostname": hostname, "model_name": model, "uuid": STRANGE}
        record = structs.replace(_record(datetime.now(UTC), 0, 0, {}), **named)
        self._publisher.publish([Message(hostname, "0", encode(record))])
        self._publisher.flush()

    def restart_gateway(self) -> None:
        """As after a new version: everybody who is connected loses it for a moment."""
        gateway = self._children[0]
        gateway.ask_to_stop()
        gateway.stop(20.0)
        gateway.start()

    def put_unreadable(self) -> None:
        """A message that is no record: the collector makes a dead letter of it."""
        self._publisher.publish([Message("node-0", "0", b"no record")])
        self._publisher.flush()

    def _manage(self, *arguments: str) -> None:
        subprocess.run(
            self._command(arguments), cwd=ROOT, env=self.environment, check=True,
            capture_output=True,
        )  # fmt: skip

    def _command(self, arguments: Any) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments]


def until(condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """What `condition` gives once it is true. Fails when it never is."""
    pause = threading.Event()
    for _ in range(int(patience_s * 10)):
        if found := condition():
            return found
        pause.wait(0.1)
    raise AssertionError("it never came true")


def _record(now: datetime, host: int, gpu: int, metrics: dict[str, float]) -> Record:
    values: dict[str, Any] = {
        "gpu_utilization": 10.0 * gpu, "memory_utilization": 5.0 * gpu, "temperature": 40.0 + gpu,
        "power_draw": 100.0 + 50 * gpu, "memory_used_mib": 1000.0 * gpu,
        "memory_free_mib": 81_000.0 - 1000 * gpu, "sm_clock_mhz": 1200.0,
    }  # fmt: skip
    return Record(
        timestamp=now, gpu_id=gpu, hostname=f"node-{host}", uuid=uuid_of(host, gpu),
        device=f"nvidia{gpu}", model_name="NVIDIA H100 80GB HBM3", **(values | metrics),
    )  # fmt: skip


def uuid_of(host: int, gpu: int) -> str:
    """The UUID of a GPU of this fleet."""
    return f"GPU-{host:04d}{gpu:04d}-86f3-7a43-b711-4771313afc50"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def screenshots() -> Path:
    """Where the pictures go that people look at."""
    folder = Path(os.environ.get("SCREENSHOTS", ROOT / "var" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
