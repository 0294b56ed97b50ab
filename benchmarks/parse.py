"""parse_dcgm, parse_wide: from a CSV file to encoded drafts, beside a bare parser of CSV."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median

import pyarrow as pa
from pyarrow import csv

from benchmarks.bench import GPUS, Bench
from benchmarks.result import Result
from workers.demo.csv_layouts import LINES_PER_READING, Layout
from workers.sources.csv_file import CsvFile


def measure_dcgm(bench: Bench) -> list[Result]:
    """Rows of a DCGM export per second; some fourteen are one draft."""
    return [_measure(bench, Layout.DCGM, "rows/s")]


def measure_wide(bench: Bench) -> list[Result]:
    """Rows of the wide layout per second; each is one draft."""
    return [_measure(bench, Layout.WIDE, "records/s")]


def _measure(bench: Bench, layout: Layout, unit: str) -> Result:
    path = bench.stack.directory / f"{layout}.csv"
    seconds = max(1, bench.records // GPUS // LINES_PER_READING[layout])
    bench.manage(
        "makecsv", "--layout", layout, "--hosts", str(GPUS // 8), "--gpus-per-host", "8",
        "--seconds", str(seconds), "--output", str(path),
    )  # fmt: skip
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(bench.rounds):
        ours.append(_rate(_drafts, path))
        bare.append(_rate(_columns, path))
    about = "pyarrow into columns of text on one core: nothing checked, nothing encoded"
    return Result(f"parse_{layout}", median(ours), unit, median(bare), about)


def _rate(read: Callable[[Path], int], path: Path) -> float:
    started = time.monotonic()
    rows = read(path)
    return rows / (time.monotonic() - started)


def _drafts(path: Path) -> int:
    return sum(chunk.rows for chunk in CsvFile(path, _any_time).chunks())


def _columns(path: Path) -> int:
    with path.open() as file:
        names = file.readline().strip().split(",")
    texts = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    with csv.open_csv(path, csv.ReadOptions(use_threads=False), convert_options=texts) as reader:
        return sum(batch.num_rows for batch in reader)


def _any_time(_timestamp: datetime) -> None:
    """The rule for times is the streamer's."""
