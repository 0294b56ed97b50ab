"""collect: a backlog drained by one real collector, beside a bare COPY of the same rows."""

import time

import psycopg

from benchmarks.bench import Bench
from benchmarks.result import Result


def measure(bench: Bench) -> list[Result]:
    """Records per second from the first acknowledgement to the empty queue."""
    records = bench.stream()["records_published"]
    batches = bench.batches()
    collector = bench.collector()
    try:
        started = bench.wait(lambda: bench.batches() < batches)
        # What was acknowledged at once belongs to the time before `started`.
        rest = bench.batches() / batches * records
        ended = bench.wait(lambda: bench.batches() == 0)
    finally:
        collector.stop(20.0)
    value = rest / (ended - started)
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
