"""Reads what a take names in pieces, so that its memory is bounded whatever the messages hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.mq.etcd.client import EtcdClient
from apps.mq.keys import Keys
from apps.mq.messages import Batch
from apps.mq.publisher import MAX_MESSAGE_BYTES
from apps.mq.ranges import Range
from apps.mq.reading import PAGE_LIMIT, read_batches, read_spans

# etcd has no limit in bytes, so a read is limited in what its size was last time. Where messages
# become larger all of a sudden, this bounds what one read of batches brings: ours hold 1 MB each
# at most, or one message of 1.4 MB.
BATCHES_AT_ONCE = 16
# Of other producers' messages a read brings at most so many times what the last one brought.
GROWTH = 4


@dataclass(slots=True)
class Take:
    """The batches that were read, and what was not because they were large enough already."""

    batches: list[Batch] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)
    spans: list[Range] = field(default_factory=list)
    size_bytes: int = 0


class Reader:
    """Reads batches and spans; for one thread. What it read last tells how much to read at once."""

    def __init__(self, client: EtcdClient, keys: Keys, max_txn_ops: int) -> None:
        self._client = client
        self._keys = keys
        self._max_txn_ops = max_txn_ops
        # Before any was seen.
        self._largest_batch = self._largest_message = MAX_MESSAGE_BYTES
        self._page = BATCHES_AT_ONCE

    def read(self, timestamps: Sequence[int], spans: Sequence[Range], max_bytes: int) -> Take:
        """Read until all is read or `max_bytes` are reached. Raises EtcdError.

        It exceeds them where messages are larger than those before.
        """
        take = Take(timestamps=list(timestamps), spans=list(spans))
        while take.timestamps and take.size_bytes < max_bytes:
            self._read_batches(take, max_bytes - take.size_bytes)
        while take.spans and take.size_bytes < max_bytes:
            self._read_spans(take, max_bytes - take.size_bytes)
        return take

    def _read_batches(self, take: Take, room_bytes: int) -> None:
        count = _fitting(room_bytes, self._largest_batch, BATCHES_AT_ONCE)
        batches = read_batches(self._client, self._keys, take.timestamps[:count])
        take.timestamps = take.timestamps[count:]
        sizes = [batch.size_bytes for batch in batches]
        self._largest_batch = max(sizes)
        take.batches += batches
        take.size_bytes += sum(sizes)

    def _read_spans(self, take: Take, room_bytes: int) -> None:
        """One read of as many spans as there may be messages, each up to a page of its share."""
        page = _fitting(room_bytes, self._largest_message, min(PAGE_LIMIT, GROWTH * self._page))
        spans = take.spans[: min(page, self._max_txn_ops)]
        batches, rests = read_spans(self._client, self._keys, spans, max(1, page // len(spans)))
        take.spans = [*rests, *take.spans[len(spans) :]]
        sizes = [len(message.value) for batch in batches for message in batch.messages]
        self._largest_message, self._page = max(sizes, default=0), page
        take.batches += batches
        take.size_bytes += sum(sizes)


def _fitting(room_bytes: int, size_bytes: int, limit: int) -> int:
    """How many of `size_bytes` fit, 1 to `limit`."""
    return max(1, min(limit, room_bytes // max(1, size_bytes)))
