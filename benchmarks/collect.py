"""collect: a backlog drained by one real collector, beside a bare COPY of the same rows."""

import os
import signal
import time

import psycopg

from benchmarks.bench import Bench
from benchmarks.result import Result

# Longer than publishing takes: who is paused for a while does not lose its lease.
LEASE_S = 60


def measure(bench: Bench) -> list[Result]:
    """Records per second from the moment the collector goes on to the empty queue.

    It has joined, and is paused (SIGSTOP) while the backlog is published.
    """
    bench.make_file()
    collector = bench.collector(lease_s=LEASE_S)
    try:
        bench.wait_for_collector()
        os.kill(collector.pid, signal.SIGSTOP)
        records = bench.stream()["records_published"]
        started = time.monotonic()
        os.kill(collector.pid, signal.SIGCONT)
        ended = bench.wait(lambda: bench.batches() == 0)
    finally:
        collector.stop(20.0)
    value = records / (ended - started)
    bench.limits["collect"] = limit = bare_copy(bench)
    about = "bare binary COPY of the same rows into a plain table with the same key"
    return [Result("collect", value, "records/s", limit, about)]


def bare_copy(bench: Bench) -> float:
    """Rows per second of one COPY of everything that was stored, committed."""
    with psycopg.connect(bench.stack.database_url) as connection:
        columns = connection.execute(
            "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a"
            " WHERE attrelid = 'telemetry_sample'::regclass AND attnum > 0 AND NOT attisdropped"
        ).fetchall()
        names = ", ".join(f'"{name}"' for name, _ in columns)
        rows = connection.execute(f"SELECT {names} FROM telemetry_sample").fetchall()
        connection.execute("CREATE TABLE bare (LIKE telemetry_sample INCLUDING ALL)")
        connection.commit()
        started = time.monotonic()
        with connection.cursor().copy(f"COPY bare ({names}) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types([kind for _, kind in columns])
            for row in rows:
                copy.write_row(row)
        connection.commit()
        seconds = time.monotonic() - started
        connection.execute("DROP TABLE bare")
    return len(rows) / seconds
