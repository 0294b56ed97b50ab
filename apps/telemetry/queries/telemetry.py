"""The telemetry of one GPU, page by page."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.sample_json import COLUMNS, checked_columns, sample_fields
from apps.telemetry.queries.window import window_of


class UnknownGpu(LookupError):
    """No GPU of this UUID was ever registered."""


class Order(StrEnum):
    """Oldest or newest sample first."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a GPU's samples: what comes after `timestamp` in the order asked for.

    With `backwards` it is the page that ends just before `timestamp`. A timestamp is unique within
    a GPU, so pages neither skip nor repeat a sample while others are stored.
    """

    timestamp: datetime
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`results` is the text of a JSON array; `count` the samples of all pages together."""

    results: str
    count: int
    next: Cursor | None
    previous: Cursor | None


# `limit` and the bounds stay parameters, so that one plan serves them all. The order of what is put
# together is the one in which it is read, so nothing is sorted but pages that are read backwards.
_PAGE = """
SELECT coalesce(page.lines, ''),
       page.rows = %(limit)s::integer AND EXISTS (
         SELECT 1 FROM telemetry_sample s
          WHERE s.gpu_id = gpu.id {window} AND s.timestamp {further}),
       page.oldest, page.newest, {count}
  FROM telemetry_gpu gpu,
       LATERAL (
         SELECT string_agg(row_to_json(fields)::text, ',' ORDER BY s.timestamp {shown}) AS lines,
                count(*) AS rows, min(s.timestamp) AS oldest, max(s.timestamp) AS newest
           FROM (SELECT * FROM telemetry_sample s
                  WHERE s.gpu_id = gpu.id {window} {beyond}
                  ORDER BY s.timestamp {read} LIMIT %(limit)s::integer) s,
                LATERAL (SELECT {fields}) fields
       ) page
 WHERE gpu.uuid = %(uuid)s::text {visible}
"""
_COUNT = "(SELECT count(*) FROM telemetry_sample s WHERE s.gpu_id = gpu.id {window})"
_VISIBLE = """
AND EXISTS (SELECT 1 FROM telemetry_host host JOIN telemetry_cluster cluster
                       ON cluster.id = host.cluster_id
             WHERE host.id = gpu.host_id AND cluster.slug = ANY(%(clusters)s::text[]))
"""
_COUNT_OF_ALL = """
coalesce((SELECT sample_count FROM telemetry_latestsample latest WHERE latest.gpu_id = gpu.id), 0)
"""


def gpu_telemetry_json(  # noqa: PLR0913, one way to ask each thing
    uuid: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 100,
    order: Order = Order.ASC,
    cursor: Cursor | None = None,
    columns: Iterable[str] = COLUMNS,
    clusters: Collection[str] | None = None,
) -> Page:
    """Up to `limit` samples with `start` ≤ timestamp ≤ `end`, each an object of `columns`.

    A GPU outside `clusters` (slugs; None is all) is unknown. Raises UnknownGpu and UnknownColumn.
    """
    backwards = cursor is not None and cursor.backwards
    window = window_of(start, end)
    ascending = (order is Order.ASC) is not backwards
    statement = _PAGE.format(
        fields=sample_fields("s", checked_columns(columns)),
        window=window,
        count=_COUNT.format(window=window) if window else _COUNT_OF_ALL,
        visible="" if clusters is None else _VISIBLE,
        beyond=_beyond(ascending) if cursor else "",
        read="ASC" if ascending else "DESC",
        further="> page.newest" if ascending else "< page.oldest",
        shown="ASC" if order is Order.ASC else "DESC",
    )
    parameters: dict[str, Any] = {"uuid": uuid, "start": start, "end": end, "limit": limit}
    if clusters is not None:
        parameters["clusters"] = list(clusters)
    parameters["cursor"] = cursor.timestamp if cursor else None
    row = fetch_one(statement, parameters)
    if row is None:
        raise UnknownGpu(f"no GPU {uuid!r} has reported; GET /api/v1/gpus lists those that have")
    lines, more, oldest, newest, count = row
    first, last = (oldest, newest) if order is Order.ASC else (newest, oldest)
    follows, precedes = (cursor is not None, more) if backwards else (more, cursor is not None)
    return Page(
        results=f"[{lines}]",
        count=count,
        next=Cursor(last) if follows and last else None,
        previous=Cursor(first, backwards=True) if precedes and first else None,
    )


def _beyond(ascending: bool) -> str:
    return f"AND s.timestamp {'>' if ascending else '<'} %(cursor)s::timestamptz"
