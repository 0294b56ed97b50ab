"""The rows of a batch as COPY takes them. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from operator import attrgetter, itemgetter
from typing import Any

from apps.telemetry.metrics import METRIC_NAMES, METRICS
from apps.telemetry.records import Record

COLUMNS = ("gpu_id", "timestamp", *METRIC_NAMES, "extra")
# psycopg then looks up how to send a value once per column instead of once per value.
TYPES = ("integer", "timestamptz", *(metric.storage.value for metric in METRICS), "jsonb")

Row = tuple[Any, ...]

_after_gpu_id = attrgetter(*COLUMNS[1:])
_key = itemgetter(0, 1)


def rows_of(records: Iterable[Record], gpu_ids: Iterable[int]) -> list[Row]:
    """One row of COLUMNS per record, by day, GPU and time; `gpu_ids` are the records' GPUs.

    Every writer inserts in this order, so that two that hold the same keys wait for each other
    rather than deadlock (COPY fills one partition after another), and a GPU's samples lie together.
    """
    pairs = zip(records, gpu_ids, strict=True)
    rows = [(gpu_id, *_after_gpu_id(record)) for record, gpu_id in pairs]
    rows.sort(key=_key)
    if len(days_of(rows)) > 1:
        rows.sort(key=_day)
    return rows


def days_of(rows: Iterable[Row]) -> set[date]:
    """The UTC days that the rows fall into."""
    return {_day(row) for row in rows}


def newest_of(rows: Sequence[Row]) -> dict[int, datetime]:
    """The newest instant of each GPU, of rows in their order."""
    return {row[0]: row[1] for row in rows}


def _day(row: Row) -> date:
    day: date = row[1].date()
    return day
