"""The telemetry of one GPU, page by page."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from apps.telemetry.archive.stretch import Stretch
from apps.telemetry.queries.archived import (
    DAYS,
    FURTHER_GIVEN,
    are_beyond,
    days_to_read,
    given,
    parse_days,
    source,
    stretch_of,
    window_of_days,
)
from apps.telemetry.queries.archived_count import count_of_gpu
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
# Whether there is more is asked in order: for a few GPUs EXISTS would go through whole partitions.
_PAGE = """
SELECT coalesce(page.lines, ''),
       page.rows = %(limit)s::integer AND ((
         SELECT s.timestamp FROM telemetry_sample s
          WHERE s.gpu_id = gpu.id {window} AND s.timestamp {further}
          ORDER BY s.timestamp {read} LIMIT 1) IS NOT NULL {further_given}),
       page.oldest, page.newest, {count}, page.rows, gpu.id, {days}
  FROM telemetry_gpu gpu,
       LATERAL (
         SELECT string_agg(row_to_json(fields)::text, ',' ORDER BY s.timestamp {shown}) AS lines,
                count(*) AS rows, min(s.timestamp) AS oldest, max(s.timestamp) AS newest
           FROM {source} s,
                LATERAL (SELECT {fields}) fields
       ) page
 WHERE gpu.uuid = %(uuid)s::text {visible}
"""
_STORED = """
(SELECT * FROM telemetry_sample s
  WHERE s.gpu_id = gpu.id {window} {beyond}
  ORDER BY s.timestamp {read} LIMIT %(limit)s::integer)
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
    ascending = (order is Order.ASC) is not backwards
    columns = checked_columns(columns)
    parameters: dict[str, Any] = {"uuid": uuid, "start": start, "end": end, "limit": limit}
    if clusters is not None:
        parameters["clusters"] = list(clusters)
    parameters["cursor"] = cursor.timestamp if cursor else None

    def statement(with_given: bool) -> str:
        window = window_of(start, end)
        read = "ASC" if ascending else "DESC"
        beyond = _beyond(ascending) if cursor else ""
        stored = _STORED.format(window=window, beyond=beyond, read=read)
        further = "> page.newest" if ascending else "< page.oldest"
        return _PAGE.format(
            fields=sample_fields("s", columns),
            window=window,
            count=_COUNT.format(window=window) if window else _COUNT_OF_ALL,
            days=DAYS.format(window=window_of_days(start, end)),
            visible="" if clusters is None else _VISIBLE,
            source=source(stored, read, "%(limit)s::integer", with_given=with_given),
            further=further,
            read=read,
            further_given=FURTHER_GIVEN.format(further=further) if with_given else "",
            shown="ASC" if order is Order.ASC else "DESC",
        )

    stretch = stretch_of(start, end, parameters["cursor"], limit + 1, ascending=ascending)
    row = _with_archived(statement, parameters, stretch, columns)
    if row is None:
        raise UnknownGpu(f"no GPU {uuid!r} has reported; GET /api/v1/gpus lists those that have")
    lines, more, oldest, newest, count, _, _, days = row
    if days:
        count += count_of_gpu(uuid, parse_days(days), start, end)
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


def _with_archived(
    statement: Callable[[bool], str],
    parameters: dict[str, Any],
    stretch: Stretch,
    columns: Sequence[str],
) -> list[Any] | None:
    """The row of a page, which has the samples of every archived day that it needs."""
    row = fetch_one(statement(False), parameters)
    read: set[date] = set()
    while row is not None and row[-1]:
        lines, more, oldest, newest, count, rows, gpu_id, days = row
        reached = newest if stretch.ascending else oldest
        is_full = rows == parameters["limit"] and reached is not None
        archived = parse_days(days)
        needed = days_to_read(archived, stretch, reached if is_full else None)
        if read.issuperset(needed):
            more = more or (is_full and are_beyond(archived, stretch, reached))
            return [lines, more, oldest, newest, count, rows, gpu_id, days]
        read = set(needed)
        samples = given(parameters["uuid"], gpu_id, needed, stretch, columns)
        parameters["archived"] = msgspec.json.encode(samples).decode()
        row = fetch_one(statement(True), parameters)
    return None if row is None else list(row)
