"""Reading batches, whole and at a known revision, and acknowledging them. Stateless calls."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys, after, prefix_end
from apps.mq.messages import Batch, Received
from apps.mq.ranges import Range, ranges_without

# A foreign producer may put any number of messages under one timestamp; they come in pages.
PAGE_LIMIT = 2000


def read_batches(client: EtcdClient, keys: Keys, timestamps: Sequence[int]) -> list[Batch]:
    """The batches of these timestamps, in one transaction of narrow ranges. Raises EtcdError.

    A narrow range costs what it returns; one over the whole queue would count every key in it
    (0.8 ms against 87 ms at 300,000 keys).
    """
    spans = [(keys.message_prefix(t), keys.message_end(t)) for t in timestamps]
    answers, revision = _read(client, spans, PAGE_LIMIT)
    return [
        _batch(keys, timestamp, span, answer, revision)
        for timestamp, span, answer in zip(timestamps, spans, answers, strict=True)
    ]


def read_spans(
    client: EtcdClient, keys: Keys, spans: Sequence[Range], page: int
) -> tuple[list[Batch], list[Range]]:
    """The messages of foreign producers in these key ranges, up to `page` of each.

    Also the ranges that are left behind them. Raises EtcdError.
    """
    answers, revision = _read(client, spans, page)
    batches: list[Batch] = []
    rests: list[Range] = []
    for span, answer in zip(spans, answers, strict=True):
        timestamp = keys.message_timestamp(span[0]) or 0
        batch = _batch(keys, timestamp, span, answer, revision)
        batch.descriptor = b""
        batches.append(batch)
        if answer.more:
            rests.append((after(answer.kvs[-1].key), span[1]))
    return batches, rests


def acknowledge(client: EtcdClient, batches: Sequence[Batch]) -> bool:
    """Delete the batches if nothing in their ranges is newer than they were read. Raises EtcdError.

    All or none. False: a message arrived late in one of them, so it must be read again. The
    transaction only deletes, because at its space quota etcd refuses every other kind.
    """
    request = rpc_pb2.TxnRequest()
    for batch in batches:
        for start, end in batch.ranges:
            compare = request.compare.add()
            compare.target, compare.result = rpc_pb2.Compare.MOD, rpc_pb2.Compare.LESS
            compare.key, compare.range_end = start, end
            compare.mod_revision = batch.revision + 1
            delete = request.success.add().request_delete_range
            delete.key, delete.range_end = start, end
        if batch.descriptor:
            request.success.add().request_delete_range.key = batch.descriptor
    return bool(client.txn(request).succeeded)


def operations(batch: Batch) -> int:
    """How many operations of a transaction the acknowledgement of a batch takes."""
    return len(batch.ranges) + bool(batch.descriptor)


class Page(NamedTuple):
    """Descriptors in the order of their keys.

    `strange` are keys among them that are no descriptors; `complete`: nothing is behind them.
    """

    timestamps: list[int]
    strange: list[bytes]
    complete: bool


def scan_descriptors(client: EtcdClient, keys: Keys, start: bytes, limit: int) -> Page:
    """The waiting batches from `start` on, `limit` keys at a time. Raises EtcdError.

    It goes on until it has seen a descriptor: only a complete page may be without one.
    """
    strange: list[bytes] = []
    request = rpc_pb2.RangeRequest(
        key=start, range_end=prefix_end(keys.batches), limit=limit, keys_only=True
    )
    while True:
        answer = client.range(request)
        stamps = [(kv.key, keys.batch_timestamp(kv.key)) for kv in answer.kvs]
        timestamps = [stamp for _, stamp in stamps if stamp is not None]
        strange += [key for key, stamp in stamps if stamp is None]
        if timestamps or not answer.more:
            return Page(timestamps, strange, not answer.more)
        request.key = after(answer.kvs[-1].key)


def present_revision(client: EtcdClient, keys: Keys) -> int:
    """The store's revision now: following from the next on misses nothing. Raises EtcdError."""
    return int(client.range(rpc_pb2.RangeRequest(key=keys.batches)).header.revision)


def _read(client: EtcdClient, spans: Sequence[Range], page: int) -> tuple[list[Any], int]:
    request = rpc_pb2.TxnRequest()
    for start, end in spans:
        query = request.success.add().request_range
        query.key, query.range_end, query.limit = start, end, page
    answer = client.txn(request)
    return [response.response_range for response in answer.responses], answer.header.revision


def _batch(keys: Keys, timestamp: int, span: Range, answer: Any, revision: int) -> Batch:
    """What a range showed, as a batch that deletes exactly what it holds."""
    start, end = span
    descriptor = keys.descriptor(timestamp)
    if answer.more:
        # The rest is another batch: the descriptor stays until it is done.
        end, descriptor = after(answer.kvs[-1].key), b""
    messages = [Received(kv.key, kv.value) for kv in answer.kvs]
    strange = keys.strange(key for key, _ in messages)
    if strange:
        left_alone = set(strange)
        messages = [message for message in messages if message.key not in left_alone]
    ranges = ranges_without(start, end, [(key, after(key)) for key in strange])
    return Batch(timestamp, ranges, descriptor, revision, messages)
