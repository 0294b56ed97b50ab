"""The telemetry of one GPU, page by page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection

from apps.telemetry.queries.sample_json import COLUMNS, checked_columns, sample_fields


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


# One sample more than asked for is read, to know whether another page follows.
_PAGE = """
SELECT coalesce(string_agg(line, ',' ORDER BY n {order}) FILTER (WHERE n <= %(limit)s), ''),
       count(n) > %(limit)s,
       min(at) FILTER (WHERE n <= %(limit)s),
       max(at) FILTER (WHERE n <= %(limit)s),
       (SELECT count(*) FROM telemetry_sample s WHERE s.gpu_id = gpu.id {window})
  FROM telemetry_gpu gpu
  LEFT JOIN LATERAL (
    SELECT s.timestamp AS at, row_number() OVER () AS n, row_to_json(fields)::text AS line
      FROM (SELECT * FROM telemetry_sample s
             WHERE s.gpu_id = gpu.id {window} {beyond}
             ORDER BY s.timestamp {direction} LIMIT %(limit)s + 1) s,
           LATERAL (SELECT {fields}) fields
  ) page ON true
 WHERE gpu.uuid = %(uuid)s
 GROUP BY gpu.id
"""


def gpu_telemetry_json(
    uuid: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 100,
    order: Order = Order.ASC,
    cursor: Cursor | None = None,
    columns: Iterable[str] = COLUMNS,
) -> Page:
    """Up to `limit` samples with `start` ≤ timestamp ≤ `end`, each an object of `columns`.

    Raises UnknownGpu and UnknownColumn.
    """
    names = checked_columns(columns)
    backwards = cursor is not None and cursor.backwards
    ascending = (order is Order.ASC) is not backwards
    statement = _PAGE.format(
        fields=sample_fields("s", names),
        window=_window(start, end),
        beyond=f"AND s.timestamp {'>' if ascending else '<'} %(cursor)s" if cursor else "",
        direction="ASC" if ascending else "DESC",
        order="DESC" if backwards else "ASC",
    )
    parameters: dict[str, Any] = {"uuid": uuid, "start": start, "end": end, "limit": limit}
    parameters["cursor"] = cursor.timestamp if cursor else None
    with connection.cursor() as sql:
        sql.execute(statement, parameters)
        row = sql.fetchone()
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


def _window(start: datetime | None, end: datetime | None) -> str:
    """Only the bounds that were given: a bound that PostgreSQL sees lets it skip other days."""
    lower = "AND s.timestamp >= %(start)s" if start else ""
    upper = "AND s.timestamp <= %(end)s" if end else ""
    return f"{lower} {upper}"
