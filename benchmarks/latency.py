"""latency: from the publish call to the commit, at 5,000 records/s."""

import json
import statistics
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import psycopg

from apps.mq import Message, Publisher
from apps.telemetry.records import Record, encode
from benchmarks.bench import GPUS, Bench
from benchmarks.publish import bare_puts
from benchmarks.result import Result

RATE = 5000
TICK_S = 0.01
WARM_UP_S = 1.0
CHANNEL = "telemetry_samples"


def measure(bench: Bench) -> list[Result]:
    """p50 and p99 in ms over every record after the first second, which registers the fleet.

    A record's timestamp is the time at which its publish call was due. The commit is when the
    notification that PostgreSQL sends at commit arrives here, so the way back is part of it.
    """
    collector = bench.collector()
    try:
        bench.wait_for_collector()
        commits = _publish_and_listen(bench)
    finally:
        collector.stop(20.0)
    latencies = _latencies(bench, commits)
    limits = _bare(bench)
    about = "one bare etcd transaction, then one bare COPY and commit, of as many records"
    return [
        Result(f"latency_p{p}", _percentile(latencies, p), "ms", _percentile(limits, p), about)
        for p in (50, 99)
    ]


def _publish_and_listen(bench: Bench) -> list[tuple[float, str]]:
    """(arrival, newest timestamp) of each commit's notification."""
    commits: list[tuple[float, str]] = []
    done = threading.Event()

    def listen() -> None:
        with psycopg.connect(bench.stack.database_url, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            ready.set()
            while not done.is_set():
                for notice in connection.notifies(timeout=0.5):
                    commits.append((time.time(), json.loads(notice.payload)["timestamp"]))

    ready = threading.Event()
    listener = threading.Thread(target=listen)
    listener.start()
    ready.wait()
    publish_steadily(bench, bench.latency_s)
    bench.wait(lambda: bench.batches() == 0)
    done.set()
    listener.join()
    return commits


def publish_steadily(bench: Bench, seconds: float) -> None:
    """Publish 5,000 records/s for so long, in batches of a hundredth of a second."""
    publisher = Publisher(bench.config)
    per_tick = int(RATE * TICK_S)
    started = time.time()
    for tick in range(int(seconds / TICK_S)):
        due = started + tick * TICK_S
        time.sleep(max(0.0, due - time.time()))
        gpus = range(tick * per_tick, (tick + 1) * per_tick)
        # Stamped with the time it was due: if publishing is held up, that is latency too.
        publisher.publish(messages_of(gpus, datetime.fromtimestamp(due, UTC)))
    publisher.flush()
    publisher.close()


def messages_of(gpus: range, now: datetime) -> list[Message]:
    """One message of each of these GPUs, about 400 bytes, as the streamer writes them."""
    return [
        Message(f"host-{gpu // 8}", str(gpu % 8), encode(_record(gpu, now)))
        for gpu in (number % GPUS for number in gpus)
    ]


def _record(gpu: int, now: datetime) -> Record:
    return Record(
        timestamp=now, gpu_id=gpu % 8, hostname=f"host-{gpu // 8}", uuid=f"GPU-{gpu:08d}",
        device=f"nvidia{gpu % 8}", model_name="NVIDIA H100 80GB HBM3", gpu_utilization=97.0,
        memory_utilization=58.0, temperature=65.0, power_draw=376.81, memory_used_mib=76876.0,
        memory_free_mib=4162.0, sm_clock_mhz=1290.0, memory_clock_mhz=1593.0,
        encoder_utilization=0.0, decoder_utilization=0.0,
    )  # fmt: skip


def _latencies(bench: Bench, commits: list[tuple[float, str]]) -> list[float]:
    """Milliseconds of every record, by the transaction (`xmin`) that stored it."""
    with psycopg.connect(bench.stack.database_url) as connection:
        rows = connection.execute(
            "SELECT xmin::text::bigint, extract(epoch FROM timestamp)::float8"
            " FROM telemetry_sample ORDER BY 1"
        ).fetchall()
    groups: dict[int, list[float]] = defaultdict(list)
    for transaction, published in rows:
        groups[transaction].append(published)
    # One collector, one writing thread: transactions commit in the order of their numbers.
    if len(groups) != len(commits):
        raise RuntimeError(f"{len(groups)} transactions but {len(commits)} notifications")
    measured_from = min(times[0] for times in groups.values()) + WARM_UP_S
    return [
        (arrival - published) * 1000
        for (arrival, _), times in zip(commits, groups.values(), strict=True)
        for published in times
        if published >= measured_from
    ]


def _bare(bench: Bench, repeats: int = 200) -> list[float]:
    """Milliseconds of one transaction to etcd and one COPY with commit, one after the other."""
    per_tick = int(RATE * TICK_S)
    messages = [
        (b"h_0_%d" % number, message.value)
        for number, message in enumerate(messages_of(range(per_tick), datetime.now(UTC)))
    ]
    times = []
    with psycopg.connect(bench.stack.database_url) as connection:
        connection.execute("CREATE TABLE bare (LIKE telemetry_sample INCLUDING ALL)")
        connection.commit()
        for repeat in range(repeats):
            started = time.monotonic()
            bare_puts(bench, messages, per_tick)
            _copy(connection, repeat, per_tick)
            times.append((time.monotonic() - started) * 1000)
        connection.execute("DROP TABLE bare")
    return times


def _copy(connection: "psycopg.Connection[Any]", gpu: int, rows: int) -> None:
    statement = "COPY bare (gpu_id, timestamp, power_draw) FROM STDIN (FORMAT binary)"
    now = time.time()
    with connection.cursor().copy(statement) as copy:
        copy.set_types(["integer", "timestamptz", "double precision"])
        for row in range(rows):
            copy.write_row((gpu, datetime.fromtimestamp(now + row / 1000, UTC), 1.0))
    connection.commit()


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
