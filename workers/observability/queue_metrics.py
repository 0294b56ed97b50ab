"""What the queue tells its observer, as metrics."""

from apps.mq import EtcdError, Observer
from workers.observability import metrics


class QueueMetrics(Observer):
    """Counts what publishers and consumers of this process do."""

    def __init__(self, quota_bytes: int) -> None:
        metrics.ETCD_QUOTA_BYTES.set(quota_bytes)

    def published(self, messages: int, seconds: float) -> None:
        """A batch was acknowledged by etcd."""
        metrics.MESSAGES_PUBLISHED.inc(messages)
        metrics.PUBLISH_S.observe(seconds)

    def held_back(self, seconds: float) -> None:
        """A publisher waited because the queue was filling."""
        metrics.HELD_BACK_S.inc(seconds)

    def measured(self, messages: int, size_in_use_bytes: int) -> None:  # noqa: ARG002
        """The backlog is the gateway's to tell: many streamers would tell it many times."""
        metrics.ETCD_IN_USE_BYTES.set(size_in_use_bytes)

    def taken(self, batches: int, messages: int, size_bytes: int, seconds: float) -> None:
        """Batches were read."""
        metrics.BATCHES_TAKEN.inc(batches)
        metrics.MESSAGES_TAKEN.inc(messages)
        metrics.TAKEN_BYTES.inc(size_bytes)
        metrics.TAKE_S.observe(seconds)

    def acknowledged(self, batches: int, messages: int, seconds: float) -> None:
        """Batches are off the queue."""
        metrics.BATCHES_ACKNOWLEDGED.inc(batches)
        metrics.MESSAGES_ACKNOWLEDGED.inc(messages)
        metrics.ACKNOWLEDGE_S.observe(seconds)

    def released(self, batches: int) -> None:
        """Batches were given back."""
        metrics.BATCHES_RELEASED.inc(batches)

    def adopted(self, batches: int) -> None:
        """Batches were taken over."""
        metrics.BATCHES_ADOPTED.inc(batches)

    def looked_at(self, size_in_use_bytes: int, version: str) -> None:
        """etcd told its status."""
        metrics.ETCD_IN_USE_BYTES.set(size_in_use_bytes)
        metrics.ETCD.info({"version": version})

    def compacted(self) -> None:
        """Old revisions are forgotten."""
        metrics.ETCD_COMPACTIONS.inc()

    def defragmented(self) -> None:
        """A member was defragmented."""
        metrics.ETCD_DEFRAGMENTATIONS.inc()

    def failed(self, error: EtcdError) -> None:
        """A call failed."""
        metrics.ETCD_ERRORS.labels(type(error).__name__).inc()
