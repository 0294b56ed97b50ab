"""The rows of some GPUs out of a file: its row groups are read one by one, and no others."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.core.files.storage import storages

from apps.telemetry.archive.milliwatts import unpacked
from apps.telemetry.archive.parts import opened, unreadable
from apps.telemetry.archive.schema import TIME, as_now
from apps.telemetry.models.archived import ArchivedDay


@dataclass(frozen=True, slots=True)
class Wanted:
    """`columns` of these GPUs' samples with `low` ≤ timestamp ≤ `high`; `uuids` are sorted."""

    uuids: Sequence[str]
    low: datetime | None
    high: datetime | None
    columns: Sequence[str]

    def is_in(self, first: str, last: str) -> bool:
        """Whether one of the GPUs may lie between two."""
        place = bisect_left(self.uuids, first)
        return place < len(self.uuids) and self.uuids[place] <= last


def files_of(entry: ArchivedDay, wanted: Wanted) -> list[str]:
    """The files of a day that may have some of it."""
    return [file["name"] for file in entry.files if wanted.is_in(file["first"], file["last"])]


def found_in(name: str, wanted: Wanted, *, ascending: bool = True) -> Iterator[pa.Table]:
    """What a file has of it, by row group, with today's columns. Raises ArchiveFailed."""
    try:
        with opened(storages["archive"], name) as file:
            groups = range(file.num_row_groups)
            for number in groups if ascending else reversed(groups):
                if _may_hold(file.metadata.row_group(number), wanted):
                    yield _chosen(file, number, wanted)
    except (OSError, pa.ArrowInvalid) as error:
        raise unreadable(name, error) from error


def _may_hold(group: Any, wanted: Wanted) -> bool:
    """By the statistics, if there are any: the columns of a file are flat."""
    ranges = {}
    for place in range(group.num_columns):
        column = group.column(place)
        if column.path_in_schema in ("uuid", "timestamp") and column.is_stats_set:
            ranges[column.path_in_schema] = (column.statistics.min, column.statistics.max)
    first, last = ranges.get("timestamp", (None, None))
    is_late = wanted.low and last and last < wanted.low
    is_early = wanted.high and first and first > wanted.high
    return not is_late and not is_early and ("uuid" not in ranges or wanted.is_in(*ranges["uuid"]))


def _chosen(file: Any, number: int, wanted: Wanted) -> pa.Table:
    names = ["uuid", "timestamp", *wanted.columns]
    there = [name for name in dict.fromkeys(names) if name in file.schema_arrow.names]
    table = file.read_row_group(number, columns=there, use_threads=False)
    mask = pc.is_in(table["uuid"], pa.array(wanted.uuids, pa.string()))
    if wanted.low:
        mask = pc.and_(mask, pc.greater_equal(table["timestamp"], pa.scalar(wanted.low, TIME)))
    if wanted.high:
        mask = pc.and_(mask, pc.less_equal(table["timestamp"], pa.scalar(wanted.high, TIME)))
    return as_now(unpacked(table.filter(mask)), names)
