"""scale: 1, 2, 5 and 10 collectors, each time on a backlog of the same size.

They are paused (SIGSTOP) while it is published, so that all of them begin with all of it there.
"""

import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from apps.embedded.processes import Child
from apps.mq import Publisher, Queue
from benchmarks.bench import GPUS, Bench
from benchmarks.latency import messages_of
from benchmarks.result import Result

COUNTS = (1, 2, 5, 10)
# Each of so many collectors must have so many records of a backlog, or starting them is all there
# is: a run of few records compares fewer collectors.
RECORDS_EACH = 10_000
# Longer than any of this takes: who is paused for a while does not lose its lease.
LEASE_S = 60
# Batches of 127 messages, etcd's default: enough of them that shares can be even.
MAX_TXN_OPS = 128
STOP_S = 30.0
# Every backlog has its own hour, since what is stored already is stored in another way.
START = datetime(2026, 1, 5, tzinfo=UTC)
# Each collector first opens its connections and learns the fleet, which is not to be measured: so
# many seconds of telemetry give each of ten every GPU to learn.
WARM_UP_S = 20
STORED = re.compile(r"stopped: (\d+) records stored")


@dataclass(frozen=True)
class Drained:
    """What so many collectors did: records per second together, records of the least busy one."""

    per_s: float
    least: int


def measure(bench: Bench) -> list[Result]:
    """Totals beside one collector's, and the smallest share beside an even one."""
    seconds = max(1, bench.records // GPUS // 2)
    counts = [count for count in COUNTS if count <= max(2, seconds * GPUS // RECORDS_EACH)]
    drained = {count: _drain(bench, count, seconds) for count in counts}
    one, most = drained[1], max(counts)
    totals = [
        Result(f"scale_{n}", drained[n].per_s, "records/s", one.per_s, "one collector alone")
        for n in counts[1:]
    ]
    even = GPUS * (WARM_UP_S + seconds) / most
    about = f"an even share of {most} collectors; measured is the smallest"
    return [*totals, Result("scale_share", drained[most].least, "records", even, about)]


def _drain(bench: Bench, count: int, seconds: int) -> Drained:
    start = START + timedelta(hours=count)
    with _collectors(bench, count) as collectors:
        _publish(bench, WARM_UP_S, start)
        bench.wait(lambda: bench.batches() == 0)
        _signal(collectors, signal.SIGSTOP)
        _publish(bench, seconds, start + timedelta(seconds=WARM_UP_S))
        started = time.monotonic()
        _signal(collectors, signal.SIGCONT)
        ended = bench.wait(lambda: bench.batches() == 0)
    return Drained(seconds * GPUS / (ended - started), min(_stored(child) for child in collectors))


@contextmanager
def _collectors(bench: Bench, count: int) -> Iterator[Sequence[Child]]:
    """That many collectors that have joined; stopped in order at the end."""
    collectors = [bench.collector(number, lease_s=LEASE_S) for number in range(count)]
    queue = Queue(bench.config)
    try:
        bench.wait(lambda: len(queue.members("collector")) == count)
        yield collectors
    finally:
        _signal(collectors, signal.SIGCONT)
        for child in collectors:
            child.ask_to_stop()
        for child in collectors:
            child.wait(STOP_S)
            child.kill()
        queue.close()


def _publish(bench: Bench, seconds: int, start: datetime) -> None:
    publisher = Publisher(replace(bench.config, max_txn_ops=MAX_TXN_OPS))
    for second in range(seconds):
        publisher.publish(messages_of(range(GPUS), start + timedelta(seconds=second)))
    publisher.flush()
    publisher.close()


def _signal(collectors: Sequence[Child], number: signal.Signals) -> None:
    for child in collectors:
        if child.running:
            os.kill(child.pid, number)


def _stored(child: Child) -> int:
    """What a collector says at its end."""
    found = STORED.search(child.tail())
    if found is None:
        raise RuntimeError(f"{child.name} did not stop in order: {child.tail()}")
    return int(found[1])
