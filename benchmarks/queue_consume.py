"""queue_consume: the library's consumer alone, beside a bare loop of the same transactions.

Both do as the collector does: one thread takes, another acknowledges the take before.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from apps.mq import Consumer
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import prefix_end
from benchmarks.bench import Bench
from benchmarks.publish import bare_puts
from benchmarks.queue_publish import ready_made, tails
from benchmarks.result import Result
from benchmarks.rounds import by_turns

# A collector takes 8,000 records at a time, which is as many full batches.
BATCHES_PER_TAKE = 8


def measure(bench: Bench) -> list[Result]:
    """Messages per second from the first take to the last acknowledgement of a backlog."""
    value, limit = by_turns(
        bench, lambda fresh: _drain(fresh, _consume), lambda fresh: _drain(fresh, _bare)
    )
    about = "bare loop of the same reads and deletes, ready-made keys"
    return [Result("queue_consume", value, "messages/s", limit, about)]


def _drain(bench: Bench, drain: Callable[[Bench, int], float]) -> float:
    bare_puts(bench, tails(ready_made(bench)), bench.records)
    rate = drain(bench, bench.batches())
    if bench.batches():
        raise RuntimeError(f"{bench.batches()} batches were left")
    return rate


def _consume(bench: Bench, batches: int) -> float:
    consumer = Consumer(bench.config, "benchmark")
    consumer.start()
    messages = 0
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=1) as acks:
        acknowledging: Future[None] | None = None
        while batches > 0:
            taken = consumer.take(BATCHES_PER_TAKE, 1.0)
            batches -= len(taken)
            messages += sum(len(batch.messages) for batch in taken)
            if acknowledging is not None:
                acknowledging.result()
            acknowledging = acks.submit(consumer.ack, taken)
    seconds = time.monotonic() - started
    consumer.close()
    return messages / seconds


def _bare(bench: Bench, batches: int) -> float:
    keys = bench.keys
    started = time.monotonic()
    every = rpc_pb2.RangeRequest(
        key=keys.batches, range_end=prefix_end(keys.batches), keys_only=True
    )
    stamps = [int(kv.key[len(keys.batches) :]) for kv in bench.client.range(every).kvs]
    messages = 0
    with ThreadPoolExecutor(max_workers=1) as acks:
        acknowledging: Future[Any] | None = None
        for start in range(0, batches, BATCHES_PER_TAKE):
            some = stamps[start : start + BATCHES_PER_TAKE]
            answer = bench.client.txn(_reads(bench, some))
            messages += sum(len(part.response_range.kvs) for part in answer.responses)
            if acknowledging is not None:
                acknowledging.result()
            deletes = _deletes(bench, some, answer.header.revision)
            acknowledging = acks.submit(bench.client.txn, deletes)
    return messages / (time.monotonic() - started)


def _reads(bench: Bench, stamps: list[int]) -> Any:
    request = rpc_pb2.TxnRequest()
    for stamp in stamps:
        query = request.success.add().request_range
        query.key, query.range_end = bench.keys.message_prefix(stamp), bench.keys.message_end(stamp)
    return request


def _deletes(bench: Bench, stamps: list[int], revision: int) -> Any:
    request = rpc_pb2.TxnRequest()
    for stamp in stamps:
        start, end = bench.keys.message_prefix(stamp), bench.keys.message_end(stamp)
        request.compare.add(
            target=rpc_pb2.Compare.MOD, result=rpc_pb2.Compare.LESS,
            key=start, range_end=end, mod_revision=revision + 1,
        )  # fmt: skip
        delete = request.success.add().request_delete_range
        delete.key, delete.range_end = start, end
        request.success.add().request_delete_range.key = bench.keys.descriptor(stamp)
    return request
