"""Back-pressure at a publisher: measures the queue now and then, and waits when it is full."""

import logging
import threading
import time

from apps.mq.backpressure import Fill, fullness
from apps.mq.config import QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import EtcdError
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys, prefix_end
from apps.mq.observer import SILENT, Observer

logger = logging.getLogger(__name__)

MEASURE_EVERY_S = 1.0
# Counting walks etcd's index (23 ms for 100,000 keys): it may take a fiftieth of the time.
COST_FACTOR = 50
FULL_PAUSE_S = 0.2


def depth(client: EtcdClient, keys: Keys) -> int:
    """Messages waiting in the queue, counted by etcd. Raises EtcdError."""
    request = rpc_pb2.RangeRequest(
        key=keys.queue, range_end=prefix_end(keys.queue), count_only=True
    )
    return int(client.range(request).count)


class Gate:
    """Lets a publisher through, slower as the queue fills, not at all while it is full."""

    def __init__(
        self,
        client: EtcdClient,
        config: QueueConfig,
        stop: threading.Event,
        observer: Observer = SILENT,
    ) -> None:
        self._client = client
        self._observer = observer
        self._config = config
        self._keys = Keys(config.cluster)
        self._stop = stop
        self._measure_at = 0.0
        self._fullness = 0.0
        self._holding = False

    def wait(self) -> None:
        """Return when the next batch may be published, or when told to stop."""
        held_back_s = 0.0
        while not self._stop.is_set():
            if time.monotonic() >= self._measure_at:
                self._measure()
            if self._fullness < 1.0:
                break
            self._stop.wait(FULL_PAUSE_S)
            held_back_s += FULL_PAUSE_S
        if self._fullness > 0.0:
            self._stop.wait(self._fullness * FULL_PAUSE_S)
            held_back_s += self._fullness * FULL_PAUSE_S
            self._observer.held_back(held_back_s)

    def _measure(self) -> None:
        started = time.monotonic()
        try:
            fill = Fill(depth(self._client, self._keys), int(self._client.status().dbSizeInUse))
        except EtcdError:
            # The publisher meets the same outage itself and reports it.
            self._measure_at = time.monotonic() + MEASURE_EVERY_S
            return
        took = time.monotonic() - started
        self._measure_at = started + max(MEASURE_EVERY_S, COST_FACTOR * took)
        self._fullness = fullness(fill, self._config.max_depth, self._config.quota_bytes)
        self._observer.measured(fill.depth, fill.size_in_use_bytes)
        self._say(fill)

    def _say(self, fill: Fill) -> None:
        if self._fullness > 0.0 and not self._holding:
            self._holding = True
            logger.warning(
                "the queue is filling (%d messages, %d MiB in use): publishing slows down until"
                " the collectors catch up",
                fill.depth,
                fill.size_in_use_bytes >> 20,
            )
        elif self._fullness == 0.0 and self._holding:
            self._holding = False
            logger.warning("the queue has room again: publishing at full speed")
