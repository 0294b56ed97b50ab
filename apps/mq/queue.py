"""The queue of one cluster as a whole: the door for everybody who is not a worker."""

from dataclasses import dataclass
from typing import Any

from apps.mq.config import QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.gate import depth
from apps.mq.keys import Keys, prefix_end
from apps.mq.membership import members
from apps.mq.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: how many messages, and when the first was published (ns), 0 if unknown."""

    messages: int
    oldest_at_ns: int


@dataclass(frozen=True, slots=True)
class Store:
    """etcd's store: what it occupies without what compaction freed, and the server's version."""

    size_in_use_bytes: int
    version: str


class Queue:
    """Looks at the queue of `config.cluster`; publishing and taking have classes of their own."""

    def __init__(self, config: QueueConfig) -> None:
        self._config = config
        self._client = EtcdClient(config)
        self._keys = Keys(config.cluster)

    def depth(self) -> int:
        """Messages that wait, counted by etcd (23 ms for each 100,000). Raises EtcdError."""
        return depth(self._client, self._keys)

    def backlog(self) -> Backlog:
        """What waits, at the price of `depth()`. Raises EtcdError."""
        start = self._keys.queue
        answer = self._client.range(
            rpc_pb2.RangeRequest(key=start, range_end=prefix_end(start), limit=1, keys_only=True)
        )
        stamps = [self._keys.message_timestamp(kv.key) or 0 for kv in answer.kvs]
        return Backlog(int(answer.count), stamps[0] if stamps else 0)

    def store(self) -> Store:
        """The state of one of etcd's members. Raises EtcdError."""
        status = self._client.status()
        return Store(int(status.dbSizeInUse), str(status.version))

    def size_in_use_bytes(self) -> int:
        """What etcd's store occupies, without what compaction freed. Raises EtcdError."""
        return int(self._client.status().dbSizeInUse)

    def members(self, role: str) -> dict[str, dict[str, Any]]:
        """Live members of a role ("collector", "streamer") with their figures. Raises EtcdError."""
        return members(self._client, self._keys, role)

    def subscribe(self, start_revision: int = 0) -> Subscription:
        """Follow new batches, from now on or from a revision. Raises EtcdError."""
        return Subscription(self._config, start_revision)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
