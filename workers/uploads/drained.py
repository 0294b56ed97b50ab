"""Sees when the queue holds nothing of an upload any more."""

from apps.mq import EtcdError, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.keys import Keys
from apps.mq.reading import scan_descriptors
from apps.telemetry import uploads

LOOKED_AT = 100


class Drained:
    """Looks at the head of one cluster's queue.

    A batch leaves the queue after its records are stored or kept as dead letters. So once the
    oldest one that waits is younger than the last of an upload, all of that is stored.
    """

    def __init__(self, config: QueueConfig) -> None:
        self._cluster = config.cluster
        self._client = EtcdClient(config)
        self._keys = Keys(config.cluster)

    def look(self) -> None:
        """Mark uploads whose records are all off the queue. Raises DatabaseError."""
        # Before the queue is looked at, or one that ends meanwhile would be taken for drained.
        ended = uploads.unproven(self._cluster)
        if not ended:
            return
        try:
            page = scan_descriptors(self._client, self._keys, self._keys.batches, LOOKED_AT)
        except EtcdError:  # looked at again soon
            return
        if not page.timestamps and not page.complete:
            return
        oldest = min(page.timestamps, default=None)
        stored = [pk for pk, until in ended if oldest is None or until < oldest]
        uploads.mark_stored(stored)

    def close(self) -> None:
        """Disconnect."""
        self._client.close()
