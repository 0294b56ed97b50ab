"""storage_raw_bytes, storage_archive_bytes: bytes per record of ten metrics, here and there.

A simulated fleet that reports once a second goes the whole way: streamer, queue, collector, table,
archive.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

from benchmarks.bench import Bench
from benchmarks.result import Result

# Hours of each GPU, as a file of the archive holds them, rather than minutes of many.
HOSTS = 2
GPUS = HOSTS * 8
DAY = "2026-01-05"
PARTITION = "telemetry_sample_20260105"
METRICS = (
    "gpu_utilization", "memory_utilization", "temperature", "power_draw", "memory_used_mib",
    "memory_free_mib", "sm_clock_mhz", "memory_clock_mhz", "encoder_utilization",
    "decoder_utilization",
)  # fmt: skip
IDENTITY = ("timestamp", "gpu_id", "hostname", "uuid", "device", "model_name")
# As it is written: a time would be written in another form.
TEXT = {"timestamp": pa.string()}
# The same values under the same key, in a table of nothing else.
BARE = f"""
CREATE TABLE bare AS SELECT timestamp, power_draw, gpu_id, {", ".join(m for m in METRICS if m != "power_draw")}
  FROM {PARTITION} ORDER BY timestamp, gpu_id;
ALTER TABLE bare ADD PRIMARY KEY (gpu_id, timestamp) WITH (fillfactor = 100);
"""  # noqa: E501


def measure(bench: Bench) -> list[Result]:
    """Bytes per record in the table with its index, and in the archive."""
    _load(bench)
    with psycopg.connect(bench.stack.database_url, autocommit=True) as database:
        database.execute(f"VACUUM {PARTITION}")
        database.execute(BARE)
        rows, raw, bare = _one(
            database,
            f"SELECT count(*), pg_total_relation_size('{PARTITION}'),"
            f" pg_total_relation_size('bare') FROM {PARTITION}",
        )
        bench.manage("archive", "--day", DAY)
        archived, files = _one(
            database, "SELECT sum(bytes), json_agg(files) FROM telemetry_archivedday"
        )
    archive = Path(bench.environment["ARCHIVE_DIR"])
    names = [archive / file["name"] for files_of_one in files for file in files_of_one]
    entropy = sum(map(_entropy_bytes, _columns(names)))
    about_raw = "a table of the same ten columns and key alone"
    about_archive = "the entropy of each metric's steps: no coder of steps takes less"
    return [
        Result("storage_raw_bytes", raw / rows, "bytes/record", bare / rows, about_raw),
        Result(
            "storage_archive_bytes", float(archived) / rows, "bytes/record", entropy, about_archive
        ),
    ]


def _load(bench: Bench) -> None:
    bench.environment["ARCHIVE_DIR"] = str(bench.stack.directory / "archive")
    whole = bench.stack.directory / "whole.csv"
    bench.manage(
        "makecsv", "--layout", "wide", "--hosts", str(HOSTS), "--gpus-per-host", "8", "--seconds",
        str(max(1, bench.records // GPUS)), "--interval", "1", "--seed", "1",
        "--start", f"{DAY}T00:00:00Z", "--output", str(whole),
    )  # fmt: skip
    table = csv.read_csv(whole, convert_options=csv.ConvertOptions(column_types=TEXT))
    csv.write_csv(table.select([*IDENTITY, *METRICS]), bench.csv)
    collector = bench.collector()
    try:
        bench.wait_for_collector()
        bench.stream()
        bench.wait(lambda: bench.batches() == 0)
    finally:
        collector.stop(20.0)


def _one(database: psycopg.Connection[Any], statement: str) -> Any:
    row = database.execute(statement).fetchone()
    assert row is not None, "an aggregate has one row"
    return row


def _columns(names: list[Path]) -> Iterator[NDArray[np.float64]]:
    """The steps of each metric from one record of a GPU to its next, in thousandths."""
    tables = [parquet.read_table(name, columns=["uuid", *METRICS]) for name in names]
    for metric in METRICS:
        for table in tables:
            values = np.rint(table[metric].to_numpy().astype(np.float64) * 1000)
            yield np.diff(values)


def _entropy_bytes(steps: NDArray[np.float64]) -> float:
    """Shannon's entropy of the steps, in bytes per step."""
    _, counts = np.unique(steps, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum() / 8)
