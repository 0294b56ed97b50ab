"""What the telemetry of many GPUs amounts to per minute or hour, in one statement."""

from collections.abc import Collection, Iterable
from datetime import timedelta

import msgspec

from apps.telemetry.metrics import Kind
from apps.telemetry.queries.batched import Excerpt, Sample
from apps.telemetry.queries.bucket_rows import column_of
from apps.telemetry.queries.buckets import Buckets, by_rollups
from apps.telemetry.queries.gpu_choice import GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.sample_json import COLUMNS, time_text
from apps.telemetry.queries.telemetry import Order

_PAGES = """
{rows}, page AS (
  SELECT *, row_number() OVER (PARTITION BY id ORDER BY at {order}) AS n
    FROM bucket WHERE {beyond}
), line AS (
  SELECT page.id, json_agg(row_to_json(fields) ORDER BY page.at {order}) AS samples
    FROM page, LATERAL (SELECT {fields}) fields
   WHERE page.n <= %(limit)s::integer GROUP BY page.id
)
SELECT coalesce(json_object_agg(gpu.uuid, coalesce(line.samples, '[]')), '{{}}')::text
  FROM gpu LEFT JOIN line ON line.id = gpu.id
"""


def buckets_of(
    uuids: Iterable[str],
    excerpt: Excerpt,
    step: timedelta,
    *,
    columns: Iterable[str] = COLUMNS,
    clusters: Collection[str] | None = None,
) -> dict[str, list[Sample]]:
    """Like batched.telemetry_of, a row per `step` instead of one per sample.

    A row has `timestamp` (its start), `count` (its samples) and the metrics: the mean of a gauge,
    the last value of any other. Raises UnknownColumn and RollupsGone.
    """
    choice = GpuChoice(uuids=list(uuids), clusters=clusters)
    asked = Buckets(choice, step, excerpt.start, excerpt.end, columns, with_place=False)
    buckets = by_rollups(asked)
    values = (
        f"page.{column_of(metric, 'avg' if metric.kind is Kind.GAUGE else 'last')} AS {metric.name}"
        for metric in buckets.metrics
    )
    beyond = ">" if excerpt.order is Order.ASC else "<"
    statement = _PAGES.format(
        rows=buckets.rows,
        order="ASC" if excerpt.order is Order.ASC else "DESC",
        beyond=f"at {beyond} %(after)s::timestamptz" if excerpt.after else "true",
        fields=", ".join((f"{time_text('page.at')} AS timestamp", "page.count", *values)),
    )
    page = {"after": excerpt.after, "limit": excerpt.limit}
    row = fetch_one(statement, buckets.parameters | page)
    assert row is not None, "an aggregate has one row"
    return msgspec.json.decode(row[0], type=dict[str, list[Sample]])
