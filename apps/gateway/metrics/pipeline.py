"""The state of the queue as gauges. The gateway tells it: it is there when no collector is."""

import logging
import platform
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from apps.mq import Backlog, EtcdError, Queue, Store
from apps.mq.outage import Outage
from telemetry_project.queue import queue_config

logger = logging.getLogger(__name__)

ROLES = ("collector", "streamer")
# Counting costs etcd 23 ms for 100,000 keys: it may take a fiftieth of the time.
LOOK_EVERY_S = 5.0
COST_FACTOR = 50
# Prometheus waits 10 s for the page, and a deadline that was missed grows to four times this.
TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of the queue; `members` is how many there are of each role."""

    backlog: Backlog
    store: Store
    members: Mapping[str, int]


class Pipeline(Collector):
    """Looks at the queue when it is scraped, at a bounded rate; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: Queue | None = None
        self._look: Look | None = None
        self._look_at = 0.0
        self._outage = Outage("looking at the queue for /metrics", logger)

    def collect(self) -> Iterator[Metric]:
        """What runs here, and the queue as last seen."""
        build = {"version": settings.VERSION, "python": platform.python_version()}
        yield InfoMetricFamily("gpu_telemetry_build", "What runs here.", build)
        yield from families(self.look(), time.time())

    def look(self) -> Look | None:
        """The queue, seen anew if it is time and nobody else is looking; None without etcd."""
        if time.monotonic() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                started = time.monotonic()
                self._look = self._look_now()
                # Without etcd the time went by waiting, which costs it nothing.
                cost_s = COST_FACTOR * (time.monotonic() - started) if self._look else 0.0
                self._look_at = started + max(LOOK_EVERY_S, cost_s)
            finally:
                self._lock.release()
        return self._look

    def _look_now(self) -> Look | None:
        # Not before a worker process is there: gRPC's channels do not survive a fork.
        if self._queue is None:
            config = queue_config()
            self._queue = Queue(replace(config, timeout_s=min(config.timeout_s, TIMEOUT_S)))
        try:
            look = Look(
                self._queue.backlog(),
                self._queue.store(),
                {role: len(self._queue.members(role)) for role in ROLES},
            )
        except EtcdError as error:
            self._outage.begin(error)
            return None
        self._outage.end()
        return look


def families(look: Look | None, now: float) -> Iterator[Metric]:
    """The gauges of one look; without one only that etcd does not answer. `now` is Unix time."""
    up = look is not None
    yield _gauge("etcd_up", "Whether etcd answered when it was last looked at.", up)
    quota = settings.ETCD_QUOTA_BYTES
    yield _gauge("etcd_quota_bytes", "ETCD_QUOTA_BYTES of this process.", quota)
    if look is not None:
        yield from _store(look.store)
        yield from _backlog(look.backlog, now)
        yield _members(look.members)


def _store(store: Store) -> Iterator[Metric]:
    version = {"version": store.version}
    yield InfoMetricFamily("gpu_telemetry_etcd", "The etcd that answered last.", version)
    about = "What etcd's store occupies, without freed space."
    yield _gauge("etcd_store_in_use_bytes", about, store.size_in_use_bytes)


def _backlog(backlog: Backlog, now: float) -> Iterator[Metric]:
    yield _gauge("queue_backlog", "Messages that wait in the queue.", backlog.messages)
    oldest = backlog.oldest_at_ns
    age_s = max(0.0, now - oldest / 1e9) if oldest else 0.0
    about = "How long the first of them has waited."
    yield _gauge("queue_oldest_message_age_seconds", about, age_s)


def _members(members: Mapping[str, int]) -> Metric:
    about = "Live members of the queue, by role."
    family = GaugeMetricFamily("gpu_telemetry_queue_members", about, labels=["role"])
    for role, count in members.items():
        family.add_metric([role], count)
    return family


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"gpu_telemetry_{name}", documentation, value)
