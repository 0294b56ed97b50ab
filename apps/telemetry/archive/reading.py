"""Samples of one GPU out of the archive: its row groups alone are read, by their statistics."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from msgspec import Raw

from apps.telemetry.archive.finding import Wanted, files_of, found_in
from apps.telemetry.archive.stretch import Stretch
from apps.telemetry.models.archived import ArchivedDay, ArchiveState


def archived_samples(
    uuid: str, days: Sequence[date], stretch: Stretch, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """The samples of a GPU on these days, which are in the order of `stretch`, as JSON's values.

    Only `timestamp` and the columns that are not null. Raises ArchiveFailed.
    """
    wanted = Wanted([uuid], stretch.low, stretch.high, ["timestamp", *columns])
    found: list[dict[str, Any]] = []
    for table in archived_tables(days, wanted, ascending=stretch.ascending):
        rest = stretch.rows - len(found)
        first = 0 if stretch.ascending else max(0, table.num_rows - rest)
        rows = as_samples(table.slice(first, rest).drop_columns(["uuid"]))
        found += rows if stretch.ascending else reversed(rows)
        if len(found) >= stretch.rows:
            break
    return found


def archived_tables(
    days: Sequence[date], wanted: Wanted, *, ascending: bool = True
) -> Iterator[pa.Table]:
    """What the archive alone has of it on these days, day by day. Raises ArchiveFailed."""
    names: dict[date, list[str]] = {}
    for entry in ArchivedDay.objects.filter(date__in=days, state=ArchiveState.ALONE):
        names.setdefault(entry.date, []).extend(files_of(entry, wanted))
    for day in days:
        of_the_day = names.get(day, [])
        for name in of_the_day if ascending else reversed(of_the_day):
            yield from found_in(name, wanted, ascending=ascending)


def count_archived(uuid: str, day: date, low: datetime | None, high: datetime | None) -> int:
    """How many samples of a GPU on a day lie between two instants. Raises ArchiveFailed."""
    return sum(table.num_rows for table in archived_tables([day], Wanted([uuid], low, high, [])))


def as_samples(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON's values, without those that are null."""
    return [_sample(row) for row in table.to_pylist()]


def _sample(row: dict[str, Any]) -> dict[str, Any]:
    sample = {name: value for name, value in row.items() if value is not None}
    if "extra" in sample:
        sample["extra"] = Raw(sample["extra"].encode())
    return sample
