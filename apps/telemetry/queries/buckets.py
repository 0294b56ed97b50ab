"""Pages of what the telemetry of GPUs amounts to per minute or hour."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from apps.telemetry.metrics import METRIC_NAMES, Metric
from apps.telemetry.queries.bucket_rows import (
    GROWTH,
    STATISTICS_OF,
    Page,
    bucket_rows,
    chosen_metrics,
    column_of,
)
from apps.telemetry.queries.fleet_page import PLACE, FleetCursor, FleetPage
from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.json_text import Member, members_text, object_text, value_text
from apps.telemetry.queries.kept import require_kept
from apps.telemetry.queries.parts import counted_rows, part_parameters
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.rollups import edges
from apps.telemetry.queries.sample_json import time_text
from apps.telemetry.queries.segments import Edges, Segment, segments
from apps.telemetry.queries.telemetry import Order

# Rows that one answer may be made of; each of the full set of metrics costs some microseconds.
MAX_AGGREGATED = 500_000
_COUNT = """
WITH gpu AS MATERIALIZED (SELECT gpu.id FROM {gpus} WHERE true {conditions})
SELECT count(*) FROM (SELECT 1 FROM gpu, LATERAL ({rows}) part LIMIT %(at_most)s::integer) counted
"""
# A place is written once for each GPU. OFFSET 0: what is sorted are lines, as the rows that they
# are made of have a hundred columns.
_PAGE = """
{rows}, place AS MATERIALIZED (
  SELECT gpu.id AS gpu, {place} AS text FROM gpu WHERE gpu.id IN (SELECT id FROM chosen)
), last AS MATERIALIZED (
  SELECT at, id FROM chosen WHERE n = (SELECT least(count(*), %(limit)s::integer) FROM chosen)
)
SELECT coalesce(string_agg(line, ',' ORDER BY at {shown}, id {shown}), ''),
       (SELECT count(*) > %(limit)s::integer FROM chosen),
       (SELECT at FROM chosen WHERE n = 1), (SELECT id FROM chosen WHERE n = 1),
       (SELECT at FROM last), (SELECT id FROM last),
       (SELECT count(*) FROM key)
  FROM (SELECT at, id, {line} AS line
          FROM bucket JOIN place ON place.gpu = id
         WHERE {beyond} AND (at, id) {up_to} (SELECT at, id FROM last) OFFSET 0) page
"""
# Nothing has to be found first: two fifths of what a day of one metric's minutes costs PostgreSQL.
_ONLY_PAGE = """
{rows}, place AS MATERIALIZED (SELECT gpu.id AS gpu, {place} AS text FROM gpu)
SELECT coalesce(string_agg(line, ',' ORDER BY at {shown}, id {shown}), ''), count(*)
  FROM (SELECT at, id, {line} AS line FROM bucket JOIN place ON place.gpu = id OFFSET 0) page
"""


@dataclass(frozen=True, slots=True)
class Buckets:
    """What to make buckets of; `with_place` puts the GPU's place before each.

    `edges` and `row_count`, how many samples and roll-ups they are made of, are looked up unless
    they are given.
    """

    choice: GpuChoice
    step: timedelta
    start: datetime | None = None
    end: datetime | None = None
    columns: Iterable[str] = METRIC_NAMES
    with_place: bool = True
    edges: Edges | None = None
    row_count: int | None = None

    @property
    def segments(self) -> list[Segment]:
        """Which table answers which part of the window."""
        return segments(self.step, self.start, self.end, self.edges or Edges())

    @property
    def metrics(self) -> list[Metric]:
        """The metrics. Raises UnknownColumn."""
        return chosen_metrics(self.columns)

    @property
    def rows(self) -> str:
        """The statement's `WITH`."""
        return self.page_rows(None)

    def page_rows(self, page: Page | None) -> str:
        """The same of a page."""
        return bucket_rows(self.metrics, self.choice.conditions, self.segments, self.step, page)

    @property
    def place(self) -> str:
        """The text that begins the JSON of a bucket of the row `gpu`."""
        if not self.with_place:
            return "'{'"
        place = {name: value_text(sql) for name, sql in PLACE.items()}
        return object_text(place, closing=",")

    def line(self, place: str) -> str:
        """The JSON of the row `bucket`, whose GPU's `place` is an SQL expression."""
        time = f"""'"timestamp":"' || {time_text("bucket.at")} || '","count":' || bucket.count"""
        return f"({place} || {time} || {_members(tuple(self.metrics))} || '}}')"

    @property
    def parameters(self) -> dict[str, object]:
        """What the statement names."""
        return self.choice.parameters | part_parameters(self.segments) | {"step": self.step}


def by_rollups(buckets: Buckets) -> Buckets:
    """The same, answered by roll-ups as far as these are exact at this moment.

    Raises RollupsGone.
    """
    if buckets.edges:
        return buckets
    reach = edges(buckets.choice)
    require_kept(buckets.choice, buckets.step, buckets.start, buckets.end, reach)
    return replace(buckets, edges=reach)


def counted(buckets: Buckets, *, at_most: int) -> Buckets:
    """The same by roll-ups, with `row_count`, counted no further than told. Raises RollupsGone."""
    reached = by_rollups(buckets)
    return replace(reached, row_count=_rows_read(reached, at_most))


def _rows_read(buckets: Buckets, at_most: int) -> int:
    statement = _COUNT.format(
        gpus=GPUS, conditions=buckets.choice.conditions, rows=counted_rows(buckets.segments)
    )
    row = fetch_one(statement, buckets.parameters | {"at_most": at_most})
    assert row is not None, "an aggregate has one row"
    return int(row[0])


def buckets_json(
    buckets: Buckets,
    *,
    limit: int = 100,
    order: Order = Order.ASC,
    cursor: FleetCursor | None = None,
) -> FleetPage:
    """Up to `limit` buckets, by time, each with `timestamp` (its start), `count` and the metrics.

    A metric is an object of STATISTICS_OF its kind, or null where no sample had it. The first and
    last bucket hold what lies in the window, or everything where the samples are gone. Raises
    UnknownColumn.
    """
    buckets = by_rollups(buckets)
    if cursor is None and buckets.row_count is None:
        buckets = counted(buckets, at_most=limit + 1)
    if cursor is None and (buckets.row_count or 0) <= limit:
        page = _whole(buckets, order)
        if page.count is not None and page.count <= limit:  # no more have come meanwhile
            return page
    return _page(buckets, limit, order, cursor)


def _whole(buckets: Buckets, order: Order) -> FleetPage:
    """The only page of a window that has no other."""
    statement = _ONLY_PAGE.format(
        rows=buckets.rows,
        place=buckets.place,
        line=buckets.line("place.text"),
        shown="ASC" if order is Order.ASC else "DESC",
    )
    row = fetch_one(statement, buckets.parameters)
    assert row is not None, "an aggregate has one row"
    lines, count = row
    return FleetPage(results=f"[{lines}]", count=count, next=None, previous=None)


def _page(buckets: Buckets, limit: int, order: Order, cursor: FleetCursor | None) -> FleetPage:
    """One of several pages."""
    backwards = cursor is not None and cursor.backwards
    ascending = (order is Order.ASC) is not backwards
    page = Page(
        beyond=_beyond(ascending) if cursor else "true", read="ASC" if ascending else "DESC"
    )
    statement = _PAGE.format(
        rows=buckets.page_rows(page),
        place=buckets.place,
        line=buckets.line("place.text"),
        beyond=page.beyond,
        up_to="<=" if ascending else ">=",
        shown="ASC" if order is Order.ASC else "DESC",
    )
    place = {"at": cursor and cursor.timestamp, "gpu": cursor and cursor.gpu}
    row = fetch_one(statement, buckets.parameters | place | {"limit": limit})
    assert row is not None, "an aggregate has one row"
    lines, more, *places, count = row
    near, far = FleetCursor(*places[:2]), FleetCursor(*places[2:])
    first, last = (far, near) if backwards else (near, far)
    follows, precedes = (cursor is not None, more) if backwards else (more, cursor is not None)
    has_rows = first.timestamp is not None
    return FleetPage(
        results=f"[{lines}]",
        count=count,
        next=last if follows and has_rows else None,
        previous=replace(first, backwards=True) if precedes and has_rows else None,
    )


def _beyond(ascending: bool) -> str:
    sign = ">" if ascending else "<"
    return f"(at, id) {sign} (%(at)s::timestamptz, %(gpu)s::integer)"


@lru_cache(maxsize=32)
def _members(metrics: tuple[Metric, ...]) -> str:
    return members_text([_member(metric) for metric in metrics])


def _member(metric: Metric) -> Member:
    of = {name: f"bucket.{column_of(metric, name)}" for name in STATISTICS_OF[metric.kind]}
    # Every kind has `last`, and where that is, only a growth may still be unknown.
    texts = {name: f"{sql}::text" for name, sql in of.items()}
    texts |= {name: f"coalesce({texts[name]}, 'null')" for name in GROWTH if name in of}
    return Member(metric.name, of["last"], object_text(texts))
