"""How many samples the archive alone has in a window, when they begin and when they end.

Whole days are known; of days that the window cuts, UUIDs and times are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from django.db import connection

from apps.telemetry.partition_list import attached
from apps.telemetry.partitions import TABLE
from apps.telemetry.queries.archived import ArchivedOn, window_of_days
from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.window import window_of

# Of a day with more samples of the chosen GPUs, the times are not read while somebody waits.
MAX_READ = 2_000_000

_DAYS = """
SELECT json_agg(json_build_array(date, rows) ORDER BY date)::text,
       (SELECT json_agg(gpu.uuid)::text FROM {gpus} WHERE true {conditions})
  FROM (SELECT archived.date, sum(archived.rows)::bigint AS rows
          FROM {gpus} JOIN telemetry_archivedcount archived ON archived.gpu_id = gpu.id
         WHERE true {conditions} {window} GROUP BY archived.date) archived
HAVING count(*) > 0
"""
_LATE = """
SELECT gpu.uuid, s.timestamp
  FROM {gpus}, LATERAL (SELECT s.timestamp FROM telemetry_sample s
                         WHERE s.gpu_id = gpu.id {window} AND s.timestamp >= %(from)s::timestamptz
                           AND s.timestamp <= %(to)s::timestamptz) s
 WHERE true {conditions}
"""


@dataclass(frozen=True, slots=True)
class ArchivedSpan:
    """Samples of a window that PostgreSQL does not have."""

    samples: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class ArchivedDays:
    """The days that the archive alone has, with how many samples of all GPUs in `uuids`."""

    days: list[ArchivedOn]
    uuids: list[str]


def archived_days(choice: GpuChoice, start: datetime | None, end: datetime | None) -> ArchivedDays:
    """Those of the chosen GPUs that the window touches, oldest first; UUIDs are sorted."""
    statement = _DAYS.format(
        gpus=GPUS, conditions=choice.conditions, window=window_of_days(start, end)
    )
    row = fetch_one(statement, choice.parameters | {"start": start, "end": end})
    if row is None:
        return ArchivedDays([], [])
    pairs = msgspec.json.decode(row[0], type=list[tuple[date, int]])
    uuids = msgspec.json.decode(row[1] or "[]", type=list[str])
    return ArchivedDays([ArchivedOn(day, rows) for day, rows in pairs], sorted(uuids))


def archived_span(
    choice: GpuChoice, start: datetime | None, end: datetime | None, *, at_most: int
) -> ArchivedSpan:
    """What the archive alone has of the chosen GPUs; counted no further than told.

    Samples that came late and are in the table too are not counted. Raises ArchiveFailed.
    """
    found = archived_days(choice, start, end)
    if not found.days:
        return ArchivedSpan(0, None, None)
    return ArchivedSpan(
        count_of(choice, found, start, end, at_most=at_most),
        _edge(found.uuids, found.days, start, end, place=1),
        _edge(found.uuids, found.days[::-1], start, end, place=2),
    )


def count_of(
    choice: GpuChoice,
    found: ArchivedDays,
    start: datetime | None,
    end: datetime | None,
    *,
    at_most: int,
) -> int:
    """How many samples the archive alone has; a day that is cut and too large has `at_most`.

    Raises ArchiveFailed.
    """
    samples = sum(one.rows for one in found.days if one.is_within(start, end))
    for one in found.days:
        if samples < at_most and not one.is_within(start, end):
            is_large = one.rows > MAX_READ
            samples += at_most if is_large else _times(found.uuids, one, start, end)[0]
    if samples < at_most:
        samples -= doubled(choice, found.days, start, end)
    return min(samples, at_most)


def count_of_gpu(
    uuid: str, days: Sequence[ArchivedOn], start: datetime | None, end: datetime | None
) -> int:
    """How many samples of a GPU the archive alone has. Raises ArchiveFailed."""
    count = sum(
        one.rows if one.is_within(start, end) else _times([uuid], one, start, end)[0]
        for one in days
    )
    return count - doubled(GpuChoice(uuid=uuid), days, start, end)


def doubled(
    choice: GpuChoice, days: Sequence[ArchivedOn], start: datetime | None, end: datetime | None
) -> int:
    """How many samples came late for these days and are archived already.

    Such a day has a partition anew until it is archived again, so mostly there is nothing to do.
    """
    if not days:
        return 0
    with_partition = {partition.day for partition in attached(TABLE)}
    return sum(_doubled(choice, one, start, end) for one in days if one.day in with_partition)


def _doubled(
    choice: GpuChoice, one: ArchivedOn, start: datetime | None, end: datetime | None
) -> int:
    statement = _LATE.format(gpus=GPUS, conditions=choice.conditions, window=window_of(start, end))
    bounds = {"start": start, "end": end, "from": one.start, "to": one.last}
    with connection.cursor() as cursor:
        cursor.execute(statement, choice.parameters | bounds)
        late = set(cursor.fetchall())
    if not late:
        return 0
    from apps.telemetry.archive.reading import count_among  # noqa: PLC0415, needs pyarrow

    return count_among(late, one.day)


def _times(
    uuids: Sequence[str], one: ArchivedOn, start: datetime | None, end: datetime | None
) -> tuple[int, datetime | None, datetime | None]:
    from apps.telemetry.archive.reading import times_archived  # noqa: PLC0415, needs pyarrow

    return times_archived(uuids, one.day, start, end)


def _edge(
    uuids: Sequence[str],
    days: Sequence[ArchivedOn],
    start: datetime | None,
    end: datetime | None,
    *,
    place: int,
) -> datetime | None:
    """The first or the last time; of a day that is too large, where it begins or ends."""
    for one in days:
        if one.rows > MAX_READ:
            low, high = max(start or one.start, one.start), min(end or one.last, one.last)
            return low if place == 1 else high
        found = _times(uuids, one, start, end)[place]
        if isinstance(found, datetime):
            return found
    return None
