"""The queue of one cluster as a whole: the door for everybody who is not a worker."""

from typing import Any

from apps.mq.config import QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.gate import depth
from apps.mq.keys import Keys
from apps.mq.membership import members
from apps.mq.subscription import Subscription


class Queue:
    """Looks at the queue of `config.cluster`; publishing and taking have classes of their own."""

    def __init__(self, config: QueueConfig) -> None:
        self._config = config
        self._client = EtcdClient(config)
        self._keys = Keys(config.cluster)

    def depth(self) -> int:
        """Messages that wait, counted by etcd (23 ms for each 100,000). Raises EtcdError."""
        return depth(self._client, self._keys)

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
