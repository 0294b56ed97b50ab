"""Keeps etcd's store small without a person: compaction, and the way back from its space quota."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from apps.mq.backpressure import SLOW_SHARE
from apps.mq.config import QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import Compacted, EtcdError
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.gate import depth
from apps.mq.keys import Keys
from apps.mq.observer import SILENT, Observer
from apps.mq.outage import Outage

logger = logging.getLogger(__name__)

CHECK_EVERY_S = 5.0
# History that watches and subscriptions can still go back to; less of it while space is short.
KEEP_HISTORY_S = 10.0
KEEP_HISTORY_SHORT_S = CHECK_EVERY_S
# Making room blocks the members: where it can win little, it is not tried again at once.
PAUSE_S = 15.0
# Both calls block a member for as long as its file is large.
COMPACT_TIMEOUT_S = 60.0
DEFRAGMENT_TIMEOUT_S = 300.0
# Defragmentation must win this share of the file, or the alarm would soon be back.
WORTHWHILE_SHARE = 0.5


class Maintenance(threading.Thread):
    """Looks after the store while `elected()` says that it is this process's turn.

    Deleted messages keep their space until compaction, which a server only does if told to. At the
    quota etcd refuses every put, and deleting alone does not end that: the steps are compact,
    defragment, disarm (etcd's operations guide). Two processes that both feel elected do no harm.
    """

    def __init__(
        self, config: QueueConfig, elected: Callable[[], bool], observer: Observer = SILENT
    ) -> None:
        super().__init__(name="etcd maintenance", daemon=True)
        self._client = EtcdClient(config, observer)
        self._observer = observer
        self._keys = Keys(config.cluster)
        self._config = config
        self._elected = elected
        self._stopping = threading.Event()
        self._history: deque[tuple[float, int]] = deque()
        self._compacted = 0
        self._full = False
        self._make_room_at = 0.0
        self._outage = Outage("maintenance of etcd", logger)

    def run(self) -> None:
        """Check again and again until `stop()`."""
        while not self._stopping.wait(CHECK_EVERY_S):
            try:
                self.step()
                self._outage.end()
            except EtcdError as error:
                self._outage.begin(error)
        self._client.close()

    def stop(self) -> None:
        """End it; returns at once."""
        self._stopping.set()

    def step(self) -> None:
        """Compact what is old enough; make room if etcd says that it has none. Raises EtcdError."""
        now = time.monotonic()
        status = self._client.status()
        self._observer.looked_at(status.dbSizeInUse, status.version)
        self._history.append((now, status.header.revision))
        short = status.dbSizeInUse > SLOW_SHARE * self._config.quota_bytes
        keep_s = KEEP_HISTORY_SHORT_S if short else KEEP_HISTORY_S
        revision = newest_before(self._history, now - keep_s)
        if not self._elected():
            return
        if revision > self._compacted:
            self._compact(revision, physical=False)
        full = self._full_members()
        self._say(bool(full))
        if full and now >= self._make_room_at:
            self._make_room(full)

    def _compact(self, revision: int, *, physical: bool) -> None:
        request = rpc_pb2.CompactionRequest(revision=revision, physical=physical)
        with suppress(Compacted):  # by the server itself, or by another member
            self._client.call(lambda e: e.kv.Compact, request, timeout_s=COMPACT_TIMEOUT_S)
        self._compacted = revision
        self._observer.compacted()

    def _full_members(self) -> list[int]:
        """The ids of the members that have raised the alarm of the space quota."""
        request = rpc_pb2.AlarmRequest(action=rpc_pb2.AlarmRequest.GET)
        alarms = self._client.call(lambda e: e.maintenance.Alarm, request).alarms
        return [alarm.memberID for alarm in alarms if alarm.alarm == rpc_pb2.NOSPACE]

    def _say(self, full: bool) -> None:
        if full and not self._full:
            logger.warning(
                "etcd has reached its space quota and takes no messages: the queue is drained,"
                " then compacted and defragmented"
            )
        elif self._full and not full:
            logger.warning("etcd takes messages again")
        self._full = full

    def _make_room(self, full: Iterable[int]) -> None:
        """Compact; once collectors have drained enough, defragment and disarm."""
        self._compact(self._client.status().header.revision, physical=True)
        members = [self._client.status(address) for address in self._client.addresses]
        waiting = depth(self._client, self._keys)
        worthwhile = all(is_worthwhile(member) for member in members)
        if waiting and not worthwhile:
            logger.info("%d messages are to be drained before etcd can make room", waiting)
            return
        for address in self._client.addresses:
            self._defragment(address)
        for member in full:
            request = rpc_pb2.AlarmRequest(
                action=rpc_pb2.AlarmRequest.DEACTIVATE, memberID=member, alarm=rpc_pb2.NOSPACE
            )
            self._client.call(lambda e: e.maintenance.Alarm, request)
        if not worthwhile:
            self._make_room_at = time.monotonic() + PAUSE_S

    def _defragment(self, address: str) -> None:
        """One member at a time: it answers nobody meanwhile."""
        before = self._client.status(address).dbSize
        self._client.call(
            lambda e: e.maintenance.Defragment,
            rpc_pb2.DefragmentRequest(),
            address,
            DEFRAGMENT_TIMEOUT_S,
        )
        self._observer.defragmented()
        after = self._client.status(address).dbSize
        logger.warning(
            "etcd at %s defragmented: %d MiB instead of %d", address, after >> 20, before >> 20
        )


def newest_before(history: deque[tuple[float, int]], limit: float) -> int:
    """The newest revision noted up to `limit`, 0 if none; forgets those before it."""
    revision = 0
    while history and history[0][0] <= limit:
        revision = history.popleft()[1]
    return revision


def is_worthwhile(status: Any) -> bool:
    """Whether defragmenting a member of this StatusResponse wins much of its file."""
    return bool(status.dbSizeInUse <= WORTHWHILE_SHARE * status.dbSize)
