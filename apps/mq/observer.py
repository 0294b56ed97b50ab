"""What the queue's clients tell about their work, for whoever counts it."""

from apps.mq.etcd.errors import EtcdError


class Observer:
    """Hears what publishers and consumers do; this one does nothing with it.

    Its methods are called once for each batch, call or look, never for each message, and from
    several threads: one that overrides them must be quick and must not raise. Times are seconds.
    """

    def published(self, messages: int, seconds: float) -> None:
        """A batch was acknowledged by etcd, `seconds` after it was sent."""

    def held_back(self, seconds: float) -> None:
        """A publisher waited because the queue was filling."""

    def measured(self, messages: int, size_in_use_bytes: int) -> None:
        """A publisher looked at how many messages wait and what etcd's store occupies."""

    def taken(self, batches: int, messages: int, size_bytes: int, seconds: float) -> None:
        """A consumer has read batches."""

    def acknowledged(self, batches: int, messages: int, seconds: float) -> None:
        """Batches of a consumer are off the queue; the time is that of the transaction."""

    def released(self, batches: int) -> None:
        """A consumer gave batches back: they will be delivered again."""

    def adopted(self, batches: int) -> None:
        """A consumer took over batches that their owner had left alone."""

    def looked_at(self, size_in_use_bytes: int, version: str) -> None:
        """A consumer asked etcd for its status."""

    def compacted(self) -> None:
        """The elected consumer has made etcd forget old revisions."""

    def defragmented(self) -> None:
        """The elected consumer has given a member's free space back to the file system."""

    def failed(self, error: EtcdError) -> None:
        """A call to etcd failed; most are repeated."""


SILENT = Observer()
