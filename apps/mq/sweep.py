"""Finding the messages of foreign producers: keys between the batches that no descriptor names."""

from collections.abc import Sequence
from typing import Any

from apps.mq.config import MIN_TXN_OPS
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys, after
from apps.mq.ranges import Range, batches_from, ranges_without, spans_of
from apps.mq.strange import StrangeKeys

GAPS_PER_READ = MIN_TXN_OPS
# A step costs the same whatever waits: 64 empty gaps take etcd about a millisecond.
BATCHES_PER_STEP = 4 * GAPS_PER_READ - 1
KEYS_PER_GAP = 5000


class Sweep:
    """Walks the gaps between known batches, some at a time, and remembers where it is."""

    def __init__(self, client: EtcdClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        # A key, not a number: batches come and go between two steps.
        self._cursor = keys.queue
        self._strange = StrangeKeys("{timestamp}_{hostname}_{gpu_id}_{sequence}")

    def step(
        self, known: Sequence[int], in_hand: Sequence[Range], end: bytes
    ) -> tuple[list[Range], list[int]]:
        """Look into the next gaps between the batches `known` (in order). Raises EtcdError.

        `in_hand` are spans not to look at, `end` is the key up to which all batches are known.
        Returns key ranges that hold only foreign messages, and batches that have a descriptor
        after all (its hint was missed or is still on its way).
        """
        batches, behind = batches_from(self._keys, known, self._cursor, BATCHES_PER_STEP)
        stop = min(end, behind or end)
        gaps = ranges_without(self._cursor, stop, sorted([*batches, *in_hand]))
        pages, rest = self._keys_in(gaps)
        self._cursor = rest or (stop if stop < end else self._keys.queue)
        return self._sort(pages)

    def _keys_in(self, gaps: Sequence[Range]) -> tuple[list[list[bytes]], bytes | None]:
        """The keys in each gap that holds some, and where to go on if one holds too many."""
        pages: list[list[bytes]] = []
        for start in range(0, len(gaps), GAPS_PER_READ):
            for answer in self._ranges(gaps[start : start + GAPS_PER_READ], KEYS_PER_GAP):
                if answer.kvs:
                    pages.append([kv.key for kv in answer.kvs])
                if answer.more:
                    return pages, after(pages[-1][-1])
        return pages, None

    def _sort(self, pages: Sequence[Sequence[bytes]]) -> tuple[list[Range], list[int]]:
        """The foreign spans of each page, never across two: a batch of ours lies between."""
        stamps = [[self._keys.message_timestamp(key) for key in page] for page in pages]
        described = self._described([{t for t in page if t is not None} for page in stamps])
        spans: list[Range] = []
        for page, times in zip(pages, stamps, strict=True):
            named = list(zip(page, times, strict=True))
            self._strange.report(key for key, stamp in named if stamp is None)
            spans += spans_of(
                [(key, stamp is not None and stamp not in described) for key, stamp in named]
            )
        return spans, sorted(described)

    def _described(self, pages: Sequence[set[int]]) -> set[int]:
        """Which of these have a descriptor. A batch and its descriptor appear in one revision, so a
        key seen before this read whose descriptor it does not show was written without one."""
        descriptor = self._keys.descriptor
        spans = [(descriptor(min(page)), after(descriptor(max(page)))) for page in pages if page]
        described: set[int] = set()
        for start in range(0, len(spans), GAPS_PER_READ):
            for answer in self._ranges(spans[start : start + GAPS_PER_READ], limit=0):
                stamps = (self._keys.batch_timestamp(kv.key) for kv in answer.kvs)
                described.update(stamp for stamp in stamps if stamp is not None)
        return described

    def _ranges(self, ranges: Sequence[Range], limit: int) -> list[Any]:
        request = rpc_pb2.TxnRequest()
        for start, end in ranges:
            query = request.success.add().request_range
            query.key, query.range_end = start, end
            query.limit, query.keys_only = limit, True
        answers = self._client.txn(request).responses
        return [answer.response_range for answer in answers]
