"""Samples of one GPU out of the archive: its row groups alone are read, by their statistics."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from django.core.files.storage import storages
from msgspec import Raw
from pyarrow import parquet

from apps.telemetry.archive.parts import unreadable
from apps.telemetry.archive.schema import SCHEMA
from apps.telemetry.archive.stretch import Stretch
from apps.telemetry.models.archived import ArchivedDay, ArchiveState


def archived_samples(
    uuid: str, days: Sequence[date], stretch: Stretch, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """The samples of a GPU on these days, which are in the order of `stretch`, as JSON's values.

    Only `timestamp` and the columns that are not null. Raises ArchiveFailed.
    """
    found: list[dict[str, Any]] = []
    for table in _tables(uuid, days, stretch, ["timestamp", *columns]):
        rows = [_sample(row) for row in table.to_pylist()]
        found += rows if stretch.ascending else reversed(rows)
        if len(found) >= stretch.rows:
            break
    return found[: stretch.rows]


def count_archived(uuid: str, day: date, low: datetime | None, high: datetime | None) -> int:
    """How many samples of a GPU on a day lie between two instants. Raises ArchiveFailed."""
    every = Stretch(low, high, 1 << 40)
    return sum(table.num_rows for table in _tables(uuid, [day], every, ["timestamp"]))


def _tables(
    uuid: str, days: Sequence[date], stretch: Stretch, columns: list[str]
) -> Iterator[pa.Table]:
    names: dict[date, list[str]] = {}
    for entry in ArchivedDay.objects.filter(date__in=days, state=ArchiveState.ALONE):
        holding = [f["name"] for f in entry.files if f["first"] <= uuid <= f["last"]]
        names.setdefault(entry.date, []).extend(holding)
    conditions: list[tuple[str, str, object]] = [("uuid", "=", uuid)]
    conditions += [("timestamp", ">=", stretch.low)] if stretch.low else []
    conditions += [("timestamp", "<=", stretch.high)] if stretch.high else []
    for day in days:
        day_names = names.get(day, [])
        for name in day_names if stretch.ascending else reversed(day_names):
            table = _read(name, columns, conditions)
            first = 0 if stretch.ascending else max(0, table.num_rows - stretch.rows)
            yield table.slice(first, stretch.rows)


def _read(name: str, columns: list[str], conditions: list[Any]) -> pa.Table:
    try:
        with storages["archive"].open(name, "rb") as source:
            return parquet.read_table(
                source, columns=columns, filters=conditions, schema=SCHEMA, use_threads=False
            )
    except (OSError, pa.ArrowInvalid) as error:
        raise unreadable(name, error) from error


def _sample(row: dict[str, Any]) -> dict[str, Any]:
    sample = {name: value for name, value in row.items() if value is not None}
    if "extra" in sample:
        sample["extra"] = Raw(sample["extra"].encode())
    return sample
