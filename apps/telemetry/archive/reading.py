"""Samples of GPUs out of the archive, of the days that live there alone."""

from collections.abc import Iterator, Sequence, Set
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Raw

from apps.telemetry.archive.finding import Wanted, files_of, found_in
from apps.telemetry.archive.schema import TIME
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


def times_archived(
    uuids: Sequence[str], day: date, low: datetime | None, high: datetime | None
) -> tuple[int, datetime | None, datetime | None]:
    """How many samples of some GPUs on a day lie between two instants, the first and the last.

    Raises ArchiveFailed.
    """
    count, first, last = 0, None, None
    for table in archived_tables([day], Wanted(uuids, low, high, [])):
        if not table.num_rows:
            continue
        count += table.num_rows
        ends = pc.min_max(table["timestamp"]).as_py()
        first = min(first or ends["min"], ends["min"])
        last = max(last or ends["max"], ends["max"])
    return count, first, last


def count_among(samples: Set[tuple[str, datetime]], day: date) -> int:
    """How many of these samples, each a UUID and a time, a day has. Raises ArchiveFailed."""
    times = pa.array({at for _, at in samples}, TIME)
    uuids = sorted({uuid for uuid, _ in samples})
    wanted = Wanted(uuids, min(at for _, at in samples), max(at for _, at in samples), [])
    count = 0
    for table in archived_tables([day], wanted):
        near = table.filter(pc.is_in(table["timestamp"], times))
        count += len(
            samples & set(zip(near["uuid"].to_pylist(), near["timestamp"].to_pylist(), strict=True))
        )
    return count


def as_samples(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON's values, without those that are null."""
    return [_sample(row) for row in table.to_pylist()]


def _sample(row: dict[str, Any]) -> dict[str, Any]:
    sample = {name: value for name, value in row.items() if value is not None}
    if "extra" in sample:
        sample["extra"] = Raw(sample["extra"].encode())
    return sample
