"""Reads that go on where PostgreSQL ends: days that live in the archive alone.

A statement reads the table and tells, in the same snapshot, which days of the GPU are archived. If
the answer needs some of them, their samples are read and given to the statement, which is asked
again: so PostgreSQL writes every value, wherever it lies, and a day that changes sides meanwhile
is neither missed nor answered twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

from apps.telemetry.archive.stretch import Stretch
from apps.telemetry.queries.sample_json import COLUMNS

ONE_DAY = timedelta(days=1)

# For a select list where `gpu` is the GPU: [[date, samples], …] as text, or NULL.
DAYS = """
(SELECT json_agg(json_build_array(date, rows) ORDER BY date)::text
   FROM telemetry_archivedcount archived WHERE archived.gpu_id = gpu.id {window})
"""
_merged = ", ".join(
    [f"coalesce(stored.{name}, given.{name}) AS {name}" for name in COLUMNS[:-1]]
    + ["coalesce(given.extra || stored.extra, stored.extra, given.extra) AS extra"]
)
# Late data may have come for an archived day: a value in the table is the later one.
_WITH_GIVEN = f"""
(SELECT timestamp, {_merged}
   FROM {{stored}} stored
   FULL JOIN (SELECT * FROM {{given}} a WHERE a.gpu_id = gpu.id) given USING (timestamp)
  ORDER BY timestamp {{read}} LIMIT {{limit}})
"""
GIVEN = "json_populate_recordset(NULL::telemetry_sample, %(archived)s::json)"


@dataclass(frozen=True, slots=True)
class ArchivedOn:
    """A day that the archive alone has, and how many samples of the GPU are on it."""

    day: date
    rows: int

    @property
    def start(self) -> datetime:
        """Its first instant."""
        return datetime.combine(self.day, time.min, tzinfo=UTC)

    @property
    def last(self) -> datetime:
        """Its last microsecond."""
        return self.start + ONE_DAY - timedelta.resolution

    def is_within(self, low: datetime | None, high: datetime | None) -> bool:
        """Whether all of the day lies between two instants."""
        return (low is None or low <= self.start) and (high is None or self.last <= high)

    def touches(self, low: datetime | None, high: datetime | None) -> bool:
        """Whether some of the day does."""
        return (low is None or low <= self.last) and (high is None or self.start <= high)


def source(
    stored: str, read: str, limit: str = "ALL", *, with_given: bool, given: str = GIVEN
) -> str:
    """A GPU's samples for a FROM: `stored`, a subselect of the table, and those that are given."""
    if not with_given:
        return stored
    return _WITH_GIVEN.format(stored=stored, given=given, read=read, limit=limit)


def window_of_days(start: object, end: object) -> str:
    """The bounds of a window for DAYS, those that were given."""
    day = "(%({})s::timestamptz AT TIME ZONE 'UTC')::date"
    lower = f"AND archived.date >= {day.format('start')}" if start else ""
    upper = f"AND archived.date <= {day.format('end')}" if end else ""
    return f"{lower} {upper}"


def parse_days(text: str | None) -> list[ArchivedOn]:
    """The value of DAYS, oldest first."""
    pairs = msgspec.json.decode(text or "[]", type=list[tuple[date, int]])
    return [ArchivedOn(day, rows) for day, rows in pairs]


def days_to_read(
    days: Sequence[ArchivedOn], stretch: Stretch, reached: datetime | None
) -> list[date]:
    """The days whose samples may belong to the stretch, in its order. Pure.

    `reached` is the last instant of an answer that is full; None if it wants more samples.
    """
    chosen: list[date] = []
    found = 0
    for one in days if stretch.ascending else reversed(days):
        if not one.touches(stretch.low, stretch.high):
            continue
        is_beyond = reached and (one.start > reached if stretch.ascending else one.last < reached)
        if is_beyond or found >= stretch.rows:
            break
        chosen.append(one.day)
        found += one.rows if one.is_within(stretch.low, stretch.high) else 0
    return chosen


def are_beyond(days: Iterable[ArchivedOn], stretch: Stretch, reached: datetime) -> bool:
    """Whether the stretch goes on with days that a full answer does not reach. Pure."""
    return any(
        one.touches(stretch.low, stretch.high)
        and (one.start > reached if stretch.ascending else one.last < reached)
        for one in days
    )


def given(
    uuid: str, gpu_id: int, days: Sequence[date], stretch: Stretch, columns: Iterable[str]
) -> list[dict[str, Any]]:
    """Archived samples as the statement takes them. Raises ArchiveFailed."""
    from apps.telemetry.archive.reading import archived_samples  # noqa: PLC0415, needs pyarrow

    samples = archived_samples(uuid, days, stretch, list(columns))
    return [{"gpu_id": gpu_id, **sample} for sample in samples]


def stretch_of(
    start: datetime | None,
    end: datetime | None,
    beyond: datetime | None,
    rows: int,
    *,
    ascending: bool,
) -> Stretch:
    """What lies between `start` and `end` and after `beyond` in the order of reading."""
    low, high = start, end
    if beyond and ascending:
        low = max(filter(None, (start, beyond + timedelta.resolution)))
    elif beyond:
        high = min(filter(None, (end, beyond - timedelta.resolution)))
    return Stretch(low, high, rows, ascending)
