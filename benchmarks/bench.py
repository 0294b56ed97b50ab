"""What benchmarks share: a private stack, the demo fleet's file, and the product's processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apps.embedded.processes import Child
from apps.embedded.stack import MAX_TXN_OPS, Stack
from apps.mq import Queue, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys, prefix_end

ROOT = Path(__file__).parent.parent
CLUSTER = "default"
GPUS = 1000
PATIENCE_S = 120.0


class Bench:
    """One run's stack with its tables, and how large the run is."""

    def __init__(
        self,
        stack: Stack,
        records: int,
        latency_s: float,
        limits: dict[str, float] | None = None,
        rounds: int = 3,
    ) -> None:
        self.stack = stack
        self.records = records
        self.latency_s = latency_s
        self.rounds = rounds
        self.environment = {**os.environ, **stack.environment(), "LOG_LEVEL": "WARNING"}
        self.config = QueueConfig(
            endpoints=tuple(stack.etcd_endpoints), cluster=CLUSTER, max_txn_ops=MAX_TXN_OPS
        )
        self.client = EtcdClient(self.config)
        self.keys = Keys(CLUSTER)
        self.csv = stack.directory / "fleet.csv"
        self.limits = {} if limits is None else limits

    def make_tables(self) -> None:
        """The empty tables of the product."""
        self.manage("migrate", "--verbosity", "0")

    def make_file(self) -> None:
        """A wide CSV of a simulated fleet, the same in every run, to `stream`."""
        self.manage(
            "makecsv", "--layout", "wide", "--hosts", str(GPUS // 8), "--gpus-per-host", "8",
            "--seconds", str(max(1, self.records // GPUS)), "--interval", "1", "--seed", "1",
            "--start", "2026-01-05T00:00:00Z", "--output", str(self.csv),
        )  # fmt: skip

    def manage(self, *arguments: str) -> str:
        """Run a command of the product to its end; what it printed. Raises RuntimeError."""
        done = subprocess.run(
            self._command(arguments), env=self.environment, cwd=ROOT, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stderr.strip()}")
        return done.stdout

    def stream(self) -> dict[str, Any]:
        """The real streamer, once over the file, which must be there; its own counts."""
        output = self.manage(
            "runstreamer", "--path", str(self.csv), "--once", "--no-restamp", "--json"
        )
        counts: dict[str, Any] = json.loads(output.splitlines()[-1])
        return counts

    def collector(self, number: int = 0, lease_s: int = 10) -> Child:
        """A real collector, started; stop it. Several at once need numbers."""
        name = f"collector-{number}"
        log = self.stack.directory / "log" / f"{name}.log"
        environment = self.environment | {"LOG_LEVEL": "INFO", "MEMBER_LEASE_S": str(lease_s)}
        child = Child(name, self._command(["runcollector"]), log, environment, ROOT)
        child.start()
        return child

    def wait_for_collector(self) -> None:
        """Return when a collector has joined."""
        queue = Queue(self.config)
        self.wait(lambda: bool(queue.members("collector")))
        queue.close()

    def batches(self) -> int:
        """Batches that wait; a few hundred keys, so that asking costs the pipeline nothing."""
        request = rpc_pb2.RangeRequest(
            key=self.keys.batches, range_end=prefix_end(self.keys.batches), count_only=True
        )
        return int(self.client.range(request).count)

    def wait(self, condition: Callable[[], bool]) -> float:
        """The time (monotonic) at which it came true. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing happened in {PATIENCE_S:.0f} s")
            time.sleep(0.005)
        return time.monotonic()

    def _command(self, arguments: list[str] | tuple[str, ...]) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments]
