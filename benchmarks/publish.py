"""publish: the real streamer into etcd, beside a bare loop of the same transactions."""

import time
from collections import deque
from typing import Any

from apps.embedded.stack import MAX_TXN_OPS, Stack
from apps.mq.etcd.client import PendingCall
from apps.mq.etcd.protos import rpc_pb2
from benchmarks.bench import Bench
from benchmarks.result import Result


def measure(bench: Bench) -> list[Result]:
    """Records per second from the first line read to the last acknowledgement."""
    bench.make_file()
    counts = bench.stream()
    value = counts["records_published"] / counts["seconds"]
    messages = _some_messages(bench)
    with Stack() as stack:  # as empty as the streamer's was: deleting and compacting cost etcd time
        fresh = Bench(stack, bench.records, bench.latency_s)
        bench.limits["publish"] = limit = bare_puts(fresh, messages, bench.records)
    about = "bare loop of the same transactions, ready-made values"
    return [Result("publish", value, "records/s", limit, about)]


def _some_messages(bench: Bench) -> list[tuple[bytes, bytes]]:
    """(end of the key, value) of the messages of one batch, as the streamer wrote it."""
    answer = bench.client.range(
        rpc_pb2.RangeRequest(key=bench.keys.queue, range_end=b"\xff", limit=MAX_TXN_OPS)
    )
    pairs = [(*kv.key.split(b"_", 1), kv.value) for kv in answer.kvs]
    return [(tail, value) for head, tail, value in pairs if head == pairs[0][0]]


def bare_puts(bench: Bench, messages: list[tuple[bytes, bytes]], records: int) -> float:
    """Records per second of transactions like the publisher's, as many in flight."""
    flights: deque[PendingCall] = deque()
    sent = 0
    started = time.monotonic()
    while sent < records:
        if len(flights) >= bench.config.max_in_flight:
            flights.popleft().result()
        flights.append(bench.client.start_txn(_request(bench, messages)))
        sent += len(messages)
    for flight in flights:
        flight.result()
    return sent / (time.monotonic() - started)


def _request(bench: Bench, messages: list[tuple[bytes, bytes]]) -> Any:
    timestamp = time.time_ns()
    prefix = bench.keys.message_prefix(timestamp)
    request = rpc_pb2.TxnRequest()
    for tail, value in messages:
        put = request.success.add().request_put
        put.key, put.value = prefix + tail, value
    put = request.success.add().request_put
    put.key, put.value = bench.keys.descriptor(timestamp), b"{}"
    return request
