"""The latest sample and the telemetry of many GPUs, in one statement each, as Python objects.

For whoever arranges samples anew; to pass them on as they are, take the JSON of latest.py and
telemetry.py. A sample is the same here as there.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.sample_json import COLUMNS, checked_columns, sample_fields
from apps.telemetry.queries.telemetry import Order

Sample = dict[str, Any]

_GPUS = """
  FROM telemetry_gpu gpu
  JOIN telemetry_host host ON host.id = gpu.host_id
  JOIN telemetry_cluster cluster ON cluster.id = host.cluster_id
"""
_CHOSEN = """
 WHERE gpu.uuid = ANY(%(uuids)s::text[])
   AND (%(clusters)s::text[] IS NULL OR cluster.slug = ANY(%(clusters)s::text[]))
"""
_LATEST = """
SELECT coalesce(json_object_agg(gpu.uuid, row_to_json(fields)), '{{}}')::text
{gpus}
  JOIN telemetry_latestsample latest ON latest.gpu_id = gpu.id,
       LATERAL (SELECT {fields}) fields
{chosen}
"""
_PAGES = """
SELECT coalesce(json_object_agg(gpu.uuid, page.samples), '{{}}')::text
{gpus},
       LATERAL (
         SELECT coalesce(json_agg(row_to_json(fields) ORDER BY s.timestamp {order}), '[]') AS samples
           FROM (SELECT * FROM telemetry_sample s
                  WHERE s.gpu_id = gpu.id {bounds}
                  ORDER BY s.timestamp {order} LIMIT %(limit)s::integer) s,
                LATERAL (SELECT {fields}) fields
       ) page
{chosen}
"""  # noqa: E501


def latest_of(
    uuids: Iterable[str],
    *,
    columns: Iterable[str] = COLUMNS,
    clusters: Collection[str] | None = None,
) -> dict[str, Sample]:
    """The newest sample of each of these GPUs that has one, by UUID.

    `clusters` are the slugs to look at. Raises UnknownColumn.
    """
    statement = _LATEST.format(
        fields=sample_fields("latest", checked_columns(columns)), gpus=_GPUS, chosen=_CHOSEN
    )
    text = _text(statement, uuids, clusters)
    return msgspec.json.decode(text, type=dict[str, Sample])


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which samples of a GPU: up to `limit` with `start` ≤ timestamp ≤ `end`, in this order.

    `after` leaves out the samples up to that one in the order asked for.
    """

    start: datetime | None = None
    end: datetime | None = None
    limit: int = 100
    order: Order = Order.ASC
    after: datetime | None = None


def telemetry_of(
    uuids: Iterable[str],
    excerpt: Excerpt,
    *,
    columns: Iterable[str] = COLUMNS,
    clusters: Collection[str] | None = None,
) -> dict[str, list[Sample]]:
    """The same excerpt of each of these GPUs, by UUID; a known GPU without samples has `[]`.

    `clusters` are the slugs to look at. Raises UnknownColumn.
    """
    statement = _PAGES.format(
        fields=sample_fields("s", checked_columns(columns)),
        gpus=_GPUS,
        chosen=_CHOSEN,
        bounds=_bounds(excerpt),
        order="ASC" if excerpt.order is Order.ASC else "DESC",
    )
    text = _text(
        statement,
        uuids,
        clusters,
        start=excerpt.start,
        end=excerpt.end,
        after=excerpt.after,
        limit=excerpt.limit,
    )
    return msgspec.json.decode(text, type=dict[str, list[Sample]])


def _bounds(excerpt: Excerpt) -> str:
    """Only the bounds that were given: a bound that PostgreSQL sees lets it skip other days."""
    beyond = ">" if excerpt.order is Order.ASC else "<"
    bounds = (
        (excerpt.start, "AND s.timestamp >= %(start)s::timestamptz"),
        (excerpt.end, "AND s.timestamp <= %(end)s::timestamptz"),
        (excerpt.after, f"AND s.timestamp {beyond} %(after)s::timestamptz"),
    )
    return " ".join(text for value, text in bounds if value is not None)


def _text(
    statement: str, uuids: Iterable[str], clusters: Collection[str] | None, **parameters: object
) -> str:
    chosen: Sequence[str] | None = None if clusters is None else list(clusters)
    row = fetch_one(statement, {"uuids": list(uuids), "clusters": chosen, **parameters})
    assert row is not None, "an aggregate has one row"
    return str(row[0])
