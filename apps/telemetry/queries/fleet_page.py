"""The telemetry of many GPUs by time, page by page.

Samples are kept by GPU, so a page is a merge of as many orders as there are GPUs. A few samples of
each tell how far in time the page can reach; only what lies within is read and sorted, never the
whole window.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import msgspec

from apps.telemetry.queries.archived import source, window_of_days
from apps.telemetry.queries.archived_count import ArchivedDays, archived_days, count_of
from apps.telemetry.queries.fleet_archived import DAYS, given_of_fleet, parse_dates
from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.sample_json import COLUMNS, checked_columns, sample_object
from apps.telemetry.queries.telemetry import Order
from apps.telemetry.queries.window import window_of

# Beyond it `count` is not known: counting the samples of a large fleet costs more than the page.
MAX_COUNTED = 100_000
# What an object holds before its sample.
PLACE = {"uuid": "gpu.uuid", "cluster": "gpu.cluster", "hostname": "gpu.hostname",
         "gpu_id": "gpu.gpu_index"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FleetCursor:
    """A place in the samples of many GPUs: what comes after this sample in the order asked for.

    `gpu` is the database's key of the GPU, which settles the order within one instant.
    """

    timestamp: datetime
    gpu: int
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class FleetPage:
    """`results` is the text of a JSON array; `count` the samples of all pages, None if too many."""

    results: str
    count: int | None
    next: FleetCursor | None
    previous: FleetCursor | None


# `near` takes four times its share from each GPU, so that most of them may have nothing to give.
_PAGE = """
WITH gpu AS MATERIALIZED (
  SELECT gpu.id, gpu.uuid, gpu.gpu_index, host.hostname, cluster.slug AS cluster,
         latest.sample_count
    FROM {gpus}
    JOIN telemetry_latestsample latest ON latest.gpu_id = gpu.id
   WHERE true {conditions}
), near AS (
  SELECT CASE WHEN count(*) > %(limit)s::integer THEN {farthest}(at) END AS bound
    FROM (SELECT s.timestamp AS at
            FROM gpu, LATERAL (
              SELECT s.timestamp FROM telemetry_sample s
               WHERE s.gpu_id = gpu.id {window} {beyond}
               ORDER BY s.timestamp {read}
               LIMIT 1 + 4 * (%(limit)s::integer + 1) / (SELECT greatest(count(*), 1) FROM gpu)) s
           ORDER BY at {read} LIMIT %(limit)s::integer + 1) few
), page AS (
  SELECT s.timestamp AS at, gpu.id, {sample} AS line,
         row_number() OVER (ORDER BY s.timestamp {read}, gpu.id {read}) AS n,
         least(count(*) OVER (), %(limit)s::integer) AS last
    FROM (SELECT gpu.id AS chosen, s.*
            FROM gpu, LATERAL {source} s
           ORDER BY s.timestamp {read}, gpu.id {read} LIMIT %(limit)s::integer + 1) s
    JOIN gpu ON gpu.id = s.chosen
)
SELECT coalesce(string_agg(line, ',' ORDER BY n {shown}) FILTER (WHERE n <= %(limit)s::integer), ''),
       count(*) > %(limit)s::integer,
       max(at) FILTER (WHERE n = 1), max(id) FILTER (WHERE n = 1),
       max(at) FILTER (WHERE n = last), max(id) FILTER (WHERE n = last),
       {count}, {days}
  FROM page
"""  # noqa: E501
_STORED = """
(SELECT * FROM telemetry_sample s
  WHERE s.gpu_id = gpu.id {window} {beyond}
    AND s.timestamp {within} coalesce((SELECT bound FROM near), '{infinity}')
  ORDER BY s.timestamp {read} LIMIT %(limit)s::integer + 1)
"""
_COUNT = f"""
(SELECT count(*) FROM (
   SELECT 1 FROM gpu, LATERAL (SELECT 1 FROM telemetry_sample s
                                WHERE s.gpu_id = gpu.id {{window}}) s
    LIMIT {MAX_COUNTED + 1}) counted)
"""
_COUNT_OF_ALL = "(SELECT coalesce(sum(sample_count), 0)::bigint FROM gpu)"


def fleet_telemetry_json(
    choice: GpuChoice,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 100,
    order: Order = Order.ASC,
    cursor: FleetCursor | None = None,
    columns: Iterable[str] = COLUMNS,
) -> FleetPage:
    """Up to `limit` samples of the chosen GPUs with `start` ≤ timestamp ≤ `end`, by time.

    Each is an object of PLACE, `timestamp` and `columns`. Raises UnknownColumn, TooManyArchived and
    ArchiveFailed.
    """
    backwards = cursor is not None and cursor.backwards
    ascending = (order is Order.ASC) is not backwards
    asked = _Asked(choice, ascending, start, end, limit, cursor, checked_columns(columns))
    lines, more, *places, count = _answered(asked)
    near, far = FleetCursor(*places[:2]), FleetCursor(*places[2:])
    first, last = (far, near) if backwards else (near, far)
    follows, precedes = (cursor is not None, more) if backwards else (more, cursor is not None)
    has_rows = first.timestamp is not None
    return FleetPage(
        results=f"[{lines}]",
        count=count if count <= MAX_COUNTED or not (start or end) else None,
        next=last if follows and has_rows else None,
        previous=replace(first, backwards=True) if precedes and has_rows else None,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page, as the statement is made for it."""

    choice: GpuChoice
    ascending: bool
    start: datetime | None
    end: datetime | None
    limit: int
    cursor: FleetCursor | None
    columns: tuple[str, ...]

    @property
    def parameters(self) -> dict[str, object]:
        cursor = self.cursor
        return (
            self.choice.parameters
            | {"start": self.start, "end": self.end, "limit": self.limit}
            | {"at": cursor and cursor.timestamp, "gpu": cursor and cursor.gpu}
        )


def _answered(asked: _Asked) -> list[Any]:
    """The row of a page, which has the samples of every archived day that it needs."""
    row = fetch_one(_statement(asked), asked.parameters)
    assert row is not None, "an aggregate has one row"
    seen: set[date] = set()
    while not seen.issuperset(dates := parse_dates(row[-1])):
        seen |= dates
        found = archived_days(asked.choice, asked.start, asked.end)
        reached = row[4] if row[1] else None
        text = msgspec.json.encode(_given(asked, found, reached)).decode()
        row = fetch_one(_statement(asked, with_given=True), asked.parameters | {"archived": text})
        assert row is not None, "an aggregate has one row"
    *answer, count, _ = row
    if seen:
        at_most = MAX_COUNTED + 1 if asked.start or asked.end else sys.maxsize
        count += count_of(asked.choice, found, asked.start, asked.end, at_most=at_most)
    return [*answer, count]


def _given(asked: _Asked, found: ArchivedDays, reached: datetime | None) -> list[dict[str, Any]]:
    cursor = asked.cursor
    return given_of_fleet(
        asked.choice,
        found.days,
        (asked.start, asked.end),
        (cursor.timestamp, cursor.gpu) if cursor else None,
        reached,
        asked.limit + 1,
        asked.columns,
        ascending=asked.ascending,
    )


def _statement(asked: _Asked, *, with_given: bool = False) -> str:
    window = window_of(asked.start, asked.end)
    read = "ASC" if asked.ascending else "DESC"
    beyond = _beyond(asked.ascending) if asked.cursor else ""
    stored = _STORED.format(
        window=window,
        beyond=beyond,
        read=read,
        within="<=" if asked.ascending else ">=",
        infinity="infinity" if asked.ascending else "-infinity",
    )
    return _PAGE.format(
        gpus=GPUS,
        conditions=asked.choice.conditions,
        window=window,
        beyond=beyond,
        read=read,
        farthest="max" if asked.ascending else "min",
        source=source(stored, read, "%(limit)s::integer + 1", with_given=with_given),
        shown="DESC" if asked.cursor and asked.cursor.backwards else "ASC",
        sample=sample_object("s", asked.columns, PLACE),
        count=_COUNT.format(window=window) if window else _COUNT_OF_ALL,
        days=DAYS.format(window=window_of_days(asked.start, asked.end)),
    )


def _beyond(ascending: bool) -> str:
    """The first condition alone is one that an index and a partition's bounds can use."""
    after = ">" if ascending else "<"
    return (
        f"AND s.timestamp {after}= %(at)s::timestamptz "
        f"AND (s.timestamp {after} %(at)s::timestamptz OR gpu.id {after} %(gpu)s::integer)"
    )
