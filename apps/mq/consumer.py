"""Taking batches off the queue and acknowledging them."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from apps.mq.config import QueueConfig
from apps.mq.discovery import Discovery
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import EtcdError, NotApplied, OutcomeUnknown
from apps.mq.keys import Keys
from apps.mq.maintenance import Maintenance
from apps.mq.membership import Membership, members
from apps.mq.messages import Batch
from apps.mq.observer import SILENT, Observer
from apps.mq.outage import Outage
from apps.mq.ownership import owner
from apps.mq.ranges import Range
from apps.mq.reader import Reader
from apps.mq.reading import acknowledge, operations

logger = logging.getLogger(__name__)

ROLE = "collector"
PAUSE_S = 0.5
# 8,000 records of the usual size are two thirds of it. Up to three takes are in hand at once.
TAKE_BYTES = 6 << 20
# The timestamp whose owner looks after etcd's store: any constant but the sweeper's does.
MAINTAINER = 1


class Consumer:
    """One member of the group of collectors that share a cluster's queue.

    `take()` belongs to one thread, `ack()` and `release()` may be called from another. Delivery is
    at least once: a batch may be delivered to two members when ownership changes hands, so what is
    done with it must be safe to repeat. A batch is off the queue only when acknowledged.
    """

    def __init__(
        self,
        config: QueueConfig,
        instance: str,
        figures: Callable[[], Mapping[str, Any]] = dict,
        observer: Observer = SILENT,
    ) -> None:
        self._config = config
        self._instance = instance
        self._observer = observer
        self._client = EtcdClient(config, observer)
        self._keys = Keys(config.cluster)
        self._membership = Membership(
            self._client, self._keys, ROLE, instance, config.lease_s, figures
        )
        self._discovery = Discovery(
            self._client, self._keys, self._membership, instance, config.lease_s, observer
        )
        self._reader = Reader(self._client, self._keys, config.max_txn_ops)
        self._maintenance = Maintenance(config, self._is_maintainer, observer)
        self._closing = threading.Event()
        self._outage = Outage("taking from the queue", logger)

    def start(self) -> None:
        """Join the group, as soon as etcd is there. Raises Refused: user or permission is wrong."""
        with suppress(OutcomeUnknown, NotApplied):
            members(self._client, self._keys, ROLE)
        self._membership.start()
        self._maintenance.start()

    def take(self, max_batches: int, timeout_s: float, max_bytes: int = TAKE_BYTES) -> list[Batch]:
        """The next batches that this member owns, read whole; empty after `timeout_s`.

        They are fewer when they hold more than about `max_bytes`.
        While etcd is away this waits and returns empty: the outage is logged once.
        """
        deadline = time.monotonic() + timeout_s
        try:
            self._discovery.look_around()
            batches = self._read(*self._discovery.wait(max_batches, deadline), max_bytes)
        except EtcdError as error:
            self._outage.begin(error)
            self._closing.wait(max(0.0, min(PAUSE_S, deadline - time.monotonic())))
            return []
        self._outage.end()
        return batches

    def ack(self, batches: Sequence[Batch]) -> None:
        """Take processed batches off the queue.

        Safe to repeat. What could not be acknowledged (a late message in it, etcd away) is
        delivered again.
        """
        for group in _within(batches, self._config.max_txn_ops):
            try:
                self._acknowledge(group)
            except EtcdError as error:
                logger.warning("%d batches are delivered again: %s", len(group), error)
                self.release(group)

    def release(self, batches: Sequence[Batch]) -> None:
        """Give batches back that were not processed; they are delivered again."""
        self._discovery.release([batch.timestamp for batch in batches])
        self._observer.released(len(batches))

    def close(self) -> None:
        """Leave the group at once, so that others take over what waits."""
        self._closing.set()
        self._maintenance.stop()
        self._discovery.stop()
        self._membership.leave()
        self._client.close()

    def _is_maintainer(self) -> bool:
        members = self._membership.view() | {self._instance}
        return owner(MAINTAINER, members) == self._instance

    def _read(self, timestamps: list[int], spans: list[Range], max_bytes: int) -> list[Batch]:
        started = time.monotonic()
        try:
            take = self._reader.read(timestamps, spans, max_bytes)
        except EtcdError:
            foreign = [self._keys.message_timestamp(start) or 0 for start, _ in spans]
            self._discovery.release([*timestamps, *foreign])
            raise
        if take.timestamps or take.spans:
            self._discovery.put_back(take.timestamps, take.spans)
        if take.batches:
            messages = sum(len(batch.messages) for batch in take.batches)
            took_s = time.monotonic() - started
            self._observer.taken(len(take.batches), messages, take.size_bytes, took_s)
        return take.batches

    def _acknowledge(self, batches: Sequence[Batch]) -> None:
        started = time.monotonic()
        try:
            unchanged = acknowledge(self._client, batches)
        except OutcomeUnknown:
            # Repeating is safe: what is deleted already passes the guard and deletes nothing.
            unchanged = acknowledge(self._client, batches)
        if unchanged:
            self._done(batches)
            messages = sum(len(batch.messages) for batch in batches)
            self._observer.acknowledged(len(batches), messages, time.monotonic() - started)
        elif len(batches) == 1:
            self.release(batches)
        else:
            for batch in batches:
                self._acknowledge([batch])

    def _done(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            if batch.descriptor:
                self._discovery.done(batch.timestamp)
            else:
                # The first page of a large batch: the rest is still there.
                self._discovery.release([batch.timestamp])


def _within(batches: Sequence[Batch], max_txn_ops: int) -> list[list[Batch]]:
    """Groups whose acknowledgement fits one transaction each."""
    groups: list[list[Batch]] = []
    room = 0
    for batch in batches:
        if not groups or operations(batch) > room:
            groups.append([])
            room = max_txn_ops
        groups[-1].append(batch)
        room -= operations(batch)
    return groups
