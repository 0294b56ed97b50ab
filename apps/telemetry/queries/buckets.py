"""Pages of what the telemetry of GPUs amounts to per minute or hour."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apps.telemetry.metrics import METRIC_NAMES, Metric
from apps.telemetry.queries.bucket_rows import (
    STATISTICS_OF,
    Page,
    bucket_rows,
    chosen_metrics,
    column_of,
)
from apps.telemetry.queries.fleet_page import PLACE, FleetCursor, FleetPage
from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
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
_PAGE = """
{rows}
SELECT coalesce(string_agg(line, ',' ORDER BY n {shown}), ''),
       (SELECT count(*) > %(limit)s::integer FROM chosen),
       max(at) FILTER (WHERE n = 1), max(id) FILTER (WHERE n = 1),
       max(at) FILTER (WHERE n = last), max(id) FILTER (WHERE n = last),
       (SELECT count(*) FROM key)
  FROM (SELECT bucket.at, bucket.id, n,
               (SELECT least(count(*), %(limit)s::integer) FROM chosen) AS last,
               row_to_json(fields)::text AS line
          FROM (SELECT *, row_number() OVER (ORDER BY at {read}, id {read}) AS n
                  FROM bucket WHERE {beyond}) bucket
          JOIN gpu ON gpu.id = bucket.id, LATERAL (SELECT {fields}) fields
         WHERE n <= %(limit)s::integer) page
"""


@dataclass(frozen=True, slots=True)
class Buckets:
    """What to make buckets of; `with_place` puts the GPU's place before each."""

    choice: GpuChoice
    step: timedelta
    start: datetime | None = None
    end: datetime | None = None
    columns: Iterable[str] = METRIC_NAMES
    with_place: bool = True
    edges: Edges | None = None

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
    def fields(self) -> str:
        """What follows SELECT for one bucket's JSON."""
        place = [f"{sql} AS {name}" for name, sql in PLACE.items() if self.with_place]
        head = (f"{time_text('bucket.at')} AS timestamp", "bucket.count")
        values = ", ".join([*place, *head, *map(_object, self.metrics)])
        objects = ", ".join(map(_statistics, self.metrics))
        return f"{values} FROM {objects}" if objects else values

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


def rows_read(buckets: Buckets, *, at_most: int) -> int:
    """How many samples and roll-ups the answer is made of, counted no further than told."""
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
    backwards = cursor is not None and cursor.backwards
    ascending = (order is Order.ASC) is not backwards
    page = Page(
        beyond=_beyond(ascending) if cursor else "true", read="ASC" if ascending else "DESC"
    )
    statement = _PAGE.format(
        rows=buckets.page_rows(page),
        fields=buckets.fields,
        beyond=page.beyond,
        read=page.read,
        shown="DESC" if backwards else "ASC",
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


def _object(metric: Metric) -> str:
    # Every kind has `last`, which is there if any sample had the metric.
    is_there = f"bucket.{column_of(metric, 'last')} IS NOT NULL"
    return f"CASE WHEN {is_there} THEN row_to_json({metric.name}_object) END AS {metric.name}"


def _statistics(metric: Metric) -> str:
    """A relation of one row: a row becomes JSON in half the time that json_build_object takes."""
    statistics = STATISTICS_OF[metric.kind]
    columns = ", ".join(f"bucket.{column_of(metric, name)} AS {name}" for name in statistics)
    return f"LATERAL (SELECT {columns}) {metric.name}_object"
