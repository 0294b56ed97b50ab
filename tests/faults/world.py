"""The world of one experiment: servers, processes, a canary, and the record of what was done."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import psycopg

from apps.embedded.stack import MAX_TXN_OPS, Stack
from apps.mq import EtcdError, Queue, QueueConfig
from tests.faults import ledger, telemetry_file
from tests.faults.canary import Canary, Flight, longest
from tests.faults.disk import moved_to_small_disk, small_disk
from tests.faults.etcd_cluster import EtcdCluster
from tests.faults.fleet import ROOT, Fleet
from tests.faults.ledger import Ledger
from tests.faults.network import Network
from tests.faults.scale import Needs, Scale
from tests.faults.tcp_proxy import TcpProxy
from tests.queue_contents import depth

CLUSTER = "default"
START_S = 60.0
DRAIN_S = 180.0
FRESH_S = 60.0


class World:
    """Made for one experiment and gone after it; for one thread."""

    def __init__(self, scale: Scale, needs: Needs) -> None:
        self.scale = scale
        self.needs = needs
        self.proxies: list[TcpProxy] = []
        self.problems: list[str] = []
        # What an experiment has put into the queue itself.
        self.acknowledged: dict[telemetry_file.Key, telemetry_file.Values] = {}
        self._faults: list[tuple[float, float]] = []
        self._resources = ExitStack()

    def __enter__(self) -> "World":
        with self._resources as resources:
            self._start(resources)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._resources.__exit__(kind, value, traceback)

    def _start(self, resources: ExitStack) -> None:
        self.directory = Path(
            resources.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
        )
        self.etcd = resources.enter_context(self._etcd(resources))
        endpoints = self.etcd.endpoints
        if self.needs.proxied:
            self.proxies = [resources.enter_context(TcpProxy(one)) for one in endpoints]
            endpoints = [proxy.address for proxy in self.proxies]
        self.stack = resources.enter_context(Stack(etcd_endpoints=endpoints))
        self.config = QueueConfig(
            tuple(endpoints), CLUSTER, max_txn_ops=MAX_TXN_OPS, lease_s=self.scale.lease_s
        )
        environment = {
            **os.environ,
            **self.stack.environment(),
            "ETCD_MAX_TXN_OPS": str(MAX_TXN_OPS),
            "ETCD_QUOTA_BYTES": str(self.needs.quota_bytes),
            "MEMBER_LEASE_S": str(self.scale.lease_s),
            "CLUSTER_ID": CLUSTER,
            **self.needs.settings,
        }
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"],
            env=environment, cwd=ROOT, check=True,
        )  # fmt: skip
        self.fleet = Fleet(self.directory, environment, self.scale, self.needs.points)
        resources.callback(self.fleet.kill)
        self.canary = Canary(self.config, self.stack.database_url)
        resources.callback(self.canary.stop)

    def _etcd(self, resources: ExitStack) -> EtcdCluster:
        needs, hosts, disks = self.needs, None, None
        if needs.networked:
            self.network = resources.enter_context(Network(needs.members))
            hosts = self.network.hosts
        if needs.etcd_disk_mib:
            self.etcd_disk = resources.enter_context(
                small_disk(self.directory / "disk", needs.etcd_disk_mib)
            )
            disks = [self.etcd_disk / "etcd"]
        return EtcdCluster(
            self.directory, needs.members, quota_bytes=needs.quota_bytes,
            max_txn_ops=MAX_TXN_OPS, compaction_s=needs.compaction_s, hosts=hosts, data_dirs=disks,
        )  # fmt: skip

    def start_collectors(self) -> None:
        """All of them; returns when each has joined."""
        for _ in range(self.scale.collectors):
            self.fleet.start_collector()
        self.until(lambda: len(self.members()) >= self.scale.collectors, START_S, "all have joined")

    def start_load(self) -> None:
        """Streamers and the canary."""
        self.fleet.start_streamers()
        self.canary.start()

    def members(self) -> dict[str, dict[str, int]]:
        """The collectors that have joined, with their figures."""
        queue = Queue(self.config)
        try:
            return queue.members("collector")
        finally:
            queue.close()

    def database(self, autocommit: bool = True) -> psycopg.Connection:
        """A connection of the experiment's own; a context manager."""
        return psycopg.connect(self.stack.database_url, autocommit=autocommit)

    @contextmanager
    def fault(self) -> Iterator[None]:
        """Something is broken for as long as this lasts: nobody is blamed for waiting meanwhile."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._faults.append((started, time.monotonic()))

    def move_to_small_disk(self, path: Path, mib: int) -> None:
        """Until the end of the experiment; what is at `path` must not be in use now."""
        self._resources.enter_context(moved_to_small_disk(path, mib))

    def rest(self, seconds: float) -> None:
        """Let time pass under load."""
        self.fleet.rest(seconds)

    def until(self, condition: Callable[[], object], timeout_s: float, what: str) -> bool:
        """Rest until `condition()` holds; a problem if it never does."""
        deadline = time.monotonic() + timeout_s
        while not self._holds(condition):
            if time.monotonic() > deadline:
                self.problems.append(f"never happened in {timeout_s:.0f} s: {what}")
                return False
            self.rest(0.1)
        return True

    def _holds(self, condition: Callable[[], object]) -> bool:
        try:
            return bool(condition())
        except (EtcdError, psycopg.Error):
            return False

    def depth(self) -> int:
        """Messages that wait. Raises EtcdError."""
        return depth(self.config)

    def settle(self) -> Flight:
        """Quiet after the faults: all is streamed and drained, then a fresh record passes."""
        self.until(lambda: not self.fleet.streaming, DRAIN_S, "every file is acknowledged")
        self.canary.pause()
        self.until(lambda: self.depth() == 0, DRAIN_S, "the queue is empty")
        fresh = self.canary.publish_one()
        self.until(lambda: fresh.stored_at is not None, FRESH_S, "a fresh record is stored")
        self.until(lambda: self.depth() == 0, START_S, "the queue is empty again")
        # One that has just been started does not know the signal yet.
        self.until(self._all_have_joined, START_S, "every collector has joined")
        self.fleet.stop_collectors()
        return fresh

    def _all_have_joined(self) -> bool:
        names = " ".join(self.members())
        return all(f"-{child.pid}-" in names for child in self.fleet.collectors)

    def account(self) -> Ledger:
        """Every value that was acknowledged against every value that is stored."""
        acknowledged = dict(self.acknowledged)
        sent = set(acknowledged)
        for streamer in self.fleet.streamers:
            records = telemetry_file.read(streamer.path)
            sent |= records.keys()
            if streamer.done:
                acknowledged |= records
        for flight in self.canary.flights:
            sent.add(flight.key)
            if flight.acknowledged_at is not None:
                acknowledged[flight.key] = flight.values
        with self.database() as database:
            result = ledger.compare(acknowledged, sent, ledger.stored_rows(database))
            self.problems += ledger.miscounted(database)
        return result

    def stalls(self) -> tuple[float, float]:
        """The longest time from handing over to acknowledged, and to stored, without faults."""
        flights = self.canary.flights
        published = [(f.handed_at, f.acknowledged_at) for f in flights if f.acknowledged_at]
        stored = [(f.handed_at, f.stored_at) for f in flights if f.stored_at]
        return longest(published, self._faults), longest(stored, self._faults)
