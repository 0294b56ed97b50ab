"""Finding the messages of foreign producers: keys between the batches that no descriptor names."""

import logging
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from apps.mq.config import MIN_TXN_OPS
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys, after

logger = logging.getLogger(__name__)

GAPS_PER_READ = MIN_TXN_OPS
KEYS_PER_GAP = 5000
KEYS_PER_SPAN = 500
MAX_REPORTED = 1000


class Sweep:
    """Walks the gaps between known batches, some at a time, and remembers where it is."""

    def __init__(self, client: EtcdClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._position = 0
        self._reported: set[bytes] = set()

    def step(self, known: Sequence[int], end: bytes) -> tuple[list[tuple[bytes, bytes]], list[int]]:
        """Look into the next gaps between the batches `known` (in order). Raises EtcdError.

        `end` is the key up to which all batches are known. Returns key ranges that hold only
        foreign messages, and batches that have a descriptor after all (its hint was missed or is
        still on its way).
        """
        gaps = gaps_between(self._keys, known, end)
        if self._position >= len(gaps):
            self._position = 0
        window = gaps[self._position : self._position + GAPS_PER_READ]
        self._position += len(window)
        found = [key for keys in self._keys_in(window) for key in keys]
        if not found:
            return [], []
        stamps = {key: self._keys.message_timestamp(key) for key in found}
        described = self._described(sorted({t for t in stamps.values() if t is not None}))
        self._report([key for key, stamp in stamps.items() if stamp is None])
        spans = spans_of([(key, stamps[key] not in {None, *described}) for key in found])
        return spans, sorted(described)

    def _keys_in(self, gaps: Sequence[tuple[bytes, bytes]]) -> list[list[bytes]]:
        request = rpc_pb2.TxnRequest()
        for start, end in gaps:
            query = request.success.add().request_range
            query.key, query.range_end = start, end
            query.limit, query.keys_only = KEYS_PER_GAP, True
        answer = self._client.txn(request)
        return [[kv.key for kv in response.response_range.kvs] for response in answer.responses]

    def _described(self, timestamps: Sequence[int]) -> set[int]:
        """Which of these have a descriptor. A batch and its descriptor appear in one revision, so a
        key seen before this read whose descriptor it does not show was written without one."""
        described: set[int] = set()
        for start in range(0, len(timestamps), GAPS_PER_READ):
            request = rpc_pb2.TxnRequest()
            for timestamp in timestamps[start : start + GAPS_PER_READ]:
                query = request.success.add().request_range
                query.key, query.keys_only = self._keys.descriptor(timestamp), True
            answer: Any = self._client.txn(request)
            for response in answer.responses:
                for kv in response.response_range.kvs:
                    if (found := self._keys.batch_timestamp(kv.key)) is not None:
                        described.add(found)
        return described

    def _report(self, strange: Sequence[bytes]) -> None:
        for key in strange:
            if key not in self._reported and len(self._reported) < MAX_REPORTED:
                self._reported.add(key)
                logger.warning(
                    "the key %r is not of the form {timestamp}_{hostname}_{gpu_id}_{sequence};"
                    " it is left alone",
                    key.decode(errors="replace"),
                )


def gaps_between(keys: Keys, known: Sequence[int], end: bytes) -> list[tuple[bytes, bytes]]:
    """The key ranges of the queue up to `end` and outside the batches `known` (in order)."""
    if not known:
        return [(keys.queue, end)]
    gaps = [(keys.queue, keys.message_prefix(known[0]))]
    gaps += [(keys.message_end(a), keys.message_prefix(b)) for a, b in pairwise(known)]
    gaps.append((keys.message_end(known[-1]), end))
    return [(start, stop) for start, stop in gaps if start < stop]


def spans_of(found: Sequence[tuple[bytes, bool]]) -> list[tuple[bytes, bytes]]:
    """Ranges of at most KEYS_PER_SPAN consecutive foreign keys; `found` is (key, is foreign)."""
    spans: list[tuple[bytes, bytes]] = []
    run: list[bytes] = []
    for key, foreign in [*found, (b"", False)]:
        if foreign:
            run.append(key)
        if run and (not foreign or len(run) == KEYS_PER_SPAN):
            spans.append((run[0], after(run[-1])))
            run = []
    return spans
