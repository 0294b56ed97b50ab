"""A watch that survives what ends etcd3's own: server restarts, leader changes, compaction."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import Compacted, EtcdError, OutcomeUnknown
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import prefix_end

logger = logging.getLogger(__name__)

RETRY_PAUSE_S = 0.5


class Watch(threading.Thread):
    """Follows a key prefix in a thread of its own until `stop()`.

    `on_events(events)` gets etcd's events in revision order, those of one revision together.
    `on_gap(revision)` says that events up to `revision` are lost to compaction and that the watch
    goes on from there: the listener must read the present state anew. `start_revision` 0 means
    from now on.
    """

    def __init__(
        self,
        client: EtcdClient,
        prefix: bytes,
        on_events: Callable[[list[Any]], None],
        on_gap: Callable[[int], None],
        start_revision: int = 0,
        puts_only: bool = False,
    ) -> None:
        super().__init__(name=f"watch {prefix.decode()}", daemon=True)
        self._client = client
        self._on_events = on_events
        self._on_gap = on_gap
        self._stopping = threading.Event()
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._call: Any = None
        self._next_revision = start_revision
        self._create = rpc_pb2.WatchCreateRequest(key=prefix, range_end=prefix_end(prefix))
        if puts_only:
            self._create.filters.append(rpc_pb2.WatchCreateRequest.NODELETE)

    def run(self) -> None:
        """Follow, and reconnect with a pause after each failure."""
        while not self._stopping.is_set():
            try:
                self._follow()
            except Compacted:
                continue
            except EtcdError as error:
                if not self._stopping.is_set():
                    logger.debug("watch interrupted, it will resume: %s", error)
            self._stopping.wait(RETRY_PAUSE_S)

    def stop(self) -> None:
        """End the stream; returns at once."""
        self._stopping.set()
        self._requests.put(None)
        if self._call is not None:
            self._call.cancel()

    def _follow(self) -> None:
        self._create.start_revision = self._next_revision
        self._requests = queue.SimpleQueue()
        self._requests.put(rpc_pb2.WatchRequest(create_request=self._create))
        endpoint, self._call = self._client.watch(_drain(self._requests))
        if self._stopping.is_set():  # since before there was a call that stop() could have ended
            self._call.cancel()
        try:
            for response in self._call:
                if self._stopping.is_set():
                    return
                self._handle(response)
        except grpc.RpcError as error:
            raise self._client.failed(endpoint, error) from error
        finally:
            self._requests.put(None)
        raise OutcomeUnknown(f"etcd at {endpoint.address} closed the watch")

    def _handle(self, response: Any) -> None:
        if response.canceled:
            if not response.compact_revision:
                # It may be a token that the server has forgotten, and a watch asks with the same
                # one again: any other call gets a new one.
                self._client.range(rpc_pb2.RangeRequest(key=self._create.key, count_only=True))
                raise OutcomeUnknown(f"watch cancelled by the server: {response.cancel_reason}")
            self._next_revision = response.compact_revision
            self._on_gap(response.compact_revision)
            raise Compacted(f"watch fell behind revision {response.compact_revision}")
        if response.created:
            # From here on a reconnection can resume without a gap.
            self._next_revision = self._next_revision or response.header.revision + 1
        if response.events:
            self._next_revision = response.events[-1].kv.mod_revision + 1
            self._on_events(list(response.events))


def _drain(requests: "queue.SimpleQueue[Any]") -> Iterator[Any]:
    """What gRPC sends: requests as they come, until None."""
    while (request := requests.get()) is not None:  # nosec B113
        yield request
