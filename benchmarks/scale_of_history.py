"""`make bench-scale`: what writing and reading cost once there is a lot of history.

Loads a fleet's samples through the collector's writer into a PostgreSQL of its own, and measures at
the first million and at the end.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django
from django.core.management import call_command
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from apps.embedded.stack import Stack

FIRST = 1_000_000
# The rate is that of the last so many.
RATED = 500_000
INTERVAL = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)
# A day of 1,000 GPUs at a sample a second is to take so long at most.
DAY_SAMPLES, DAY_S = 86_400_000, 600
# A month of the first host lies before the fleet's day, a sample a minute.
DAYS, SPARSE = 30, timedelta(minutes=1)
# Tables, indexes, roll-ups and sorting; and the write-ahead log, whatever the number.
BYTES_PER_SAMPLE, BYTES_BESIDE = 200, 4 * 1024**3


@dataclass(frozen=True)
class Row:
    """A figure beside its bar, which is a text such as "< 20 ms"."""

    name: str
    measured: str
    bar: str
    is_met: bool


@dataclass(frozen=True)
class Checkpoint:
    """What was measured when so many samples were stored: samples/s and milliseconds."""

    samples: int
    rate: float
    latest_ms: float


def main() -> int:
    """0 if every bar is met, 1 if not, 2 if there is no room."""
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000_000, help="(default: 100000000)")
    parser.add_argument("--gpus", type=int, default=10_000, help="(default: 10000)")
    parser.add_argument(
        "--directory", type=Path, help="where there is room for them (default: TMPDIR)"
    )
    options = parser.parse_args()
    console = Console()
    parent = options.directory or Path(tempfile.gettempdir())
    if missing := _missing_bytes(parent, options.samples):
        console.print(
            f"{parent} has {missing / 1e9:.0f} GB too little for {options.samples:,} samples; name"
            " another by --directory, or take fewer by --samples"
        )
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="bench-scale-", dir=parent) as directory,
        Stack(directory=Path(directory)) as stack,
    ):
        rows = _run(stack, options.samples, options.gpus, console)
    console.print(_table(rows))
    return 0 if all(row.is_met for row in rows) else 1


def _missing_bytes(parent: Path, samples: int) -> int:
    needed = samples * BYTES_PER_SAMPLE + BYTES_BESIDE
    return max(0, needed - shutil.disk_usage(parent).free)


def _run(stack: Stack, samples: int, gpus: int, console: Console) -> list[Row]:
    os.environ |= stack.environment() | {"DJANGO_SETTINGS_MODULE": "telemetry_project.settings"}
    django.setup()
    call_command("migrate", verbosity=0)
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    first, last = _load(samples, gpus, end, console)
    with console.status("rolling up"):
        rolled = _roll_up(last.samples, gpus, end)
        _analyze()
    with console.status("reading"):
        return [*_scaling(first, last), *rolled, *_reads(gpus, end)]


def _load(
    samples: int, gpus: int, end: datetime, console: Console
) -> tuple[Checkpoint, Checkpoint]:
    from apps.telemetry.rollups import roll_up  # noqa: PLC0415
    from benchmarks.history_load import GPUS_PER_HOST, Written, load  # noqa: PLC0415

    count = max(1, samples // gpus)
    instants = [end - INTERVAL * (count - n) for n in range(count)]
    month = [end - SPARSE * n for n in range(int(timedelta(days=DAYS) / SPARSE), 0, -1)]
    before = [instant for instant in month if instant < instants[0]]
    written = Written()
    at = sorted({min(FIRST, samples), count * gpus})
    found: list[Checkpoint] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("a month of one host", total=len(before) * GPUS_PER_HOST)
        for done in load(GPUS_PER_HOST, before, Written()):
            progress.update(task, completed=done.samples)
        # The month is not in the time that the fleet takes.
        roll_up(end)
        task = progress.add_task("the fleet", total=count * gpus)
        rated = (0, 0.0)
        for done in load(gpus, instants, written):
            progress.update(task, completed=done.samples)
            if done.samples <= at[0] - RATED:
                rated = (done.samples, done.seconds)
            if done.samples >= at[0]:
                rate = (done.samples - rated[0]) / (done.seconds - rated[1])
                found.append(Checkpoint(done.samples, rate, _latest(gpus)))
                at = at[1:] or [sys.maxsize]
    return found[0], found[-1]


def _latest(gpus: int) -> float:
    from benchmarks.history_reads import latest_100  # noqa: PLC0415

    _analyze()
    return latest_100(gpus // 2)


def _analyze() -> None:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _roll_up(samples: int, gpus: int, end: datetime) -> list[Row]:
    """All that was loaded, and then one more minute of the fleet."""
    from apps.telemetry.rollups import roll_up  # noqa: PLC0415
    from benchmarks.history_load import Written, load  # noqa: PLC0415

    whole_s = _seconds(lambda: roll_up(end))
    instants = [end + INTERVAL * n for n in range(MINUTE // INTERVAL)]
    more = [batch.samples for batch in load(gpus, instants, Written())]
    minute_s = _seconds(lambda: roll_up(end + 2 * MINUTE))
    bar_s = DAY_S * samples / DAY_SAMPLES
    return [
        Row(f"rolling up {samples:,}", f"{whole_s:.0f} s", f"< {bar_s:.0f} s", whole_s < bar_s),
        Row(f"rolling up a minute, {more[-1]:,}", f"{minute_s:.2f} s", "< 2 s", minute_s < 2),
    ]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _scaling(first: Checkpoint, last: Checkpoint) -> list[Row]:
    """How much slower the end is than the beginning."""
    rate, latest = last.rate / first.rate, last.latest_ms / first.latest_ms
    counts = f"at {last.samples / 1e6:,.0f} M, of that at {first.samples / 1e6:,.0f} M"
    return [
        Row(
            f"insert rate {counts}",
            f"{last.rate:,.0f} / {first.rate:,.0f} a second: {rate:.2f}",
            "≥ 0.85",
            rate >= 0.85,
        ),
        Row(
            f"latest 100 of one GPU {counts}",
            f"{last.latest_ms:.2f} / {first.latest_ms:.2f} ms: {latest:.2f}",
            "≤ 1.3",
            latest <= 1.3,
        ),
    ]


def _reads(gpus: int, end: datetime) -> list[Row]:
    from apps.telemetry.queries import COLUMNS  # noqa: PLC0415
    from benchmarks import history_reads as reads  # noqa: PLC0415

    one, resolution = reads.a_day_at_auto(gpus // 2, end, reads.POWER)
    everything, _ = reads.a_day_at_auto(gpus // 2, end, COLUMNS)
    size = reads.bytes_per_sample()
    return [
        _below(f"latest of {gpus:,} GPUs, one metric", reads.fleet_latest(reads.POWER), 60),
        _below(f"latest of {gpus:,} GPUs, all metrics", reads.fleet_latest(COLUMNS), 60),
        _below(f"24 h of one GPU at auto ({resolution}), one metric", one, 20),
        _below(f"24 h of one GPU at auto ({resolution}), all metrics", everything, 20),
        _below(f"{DAYS} days of a host at 1h", reads.month_of_a_host(end, DAYS), 30),
        Row("samples with their index", f"{size:.0f} bytes each", "≤ 130", size <= 130),
    ]


def _below(name: str, measured_ms: float, bar_ms: float) -> Row:
    return Row(name, f"{measured_ms:.1f} ms", f"< {bar_ms:.0f} ms", measured_ms < bar_ms)


def _table(rows: list[Row]) -> Table:
    table = Table("figure", "measured", "bar", "", caption=f"{os.cpu_count()} cores, all in one")
    for row in rows:
        table.add_row(row.name, row.measured, row.bar, "met" if row.is_met else "[red]missed[/]")
    return table


if __name__ == "__main__":
    sys.exit(main())
