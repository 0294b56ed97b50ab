"""The telemetry of one GPU, page by page."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from apps.telemetry.archive.stretch import Stretch
from apps.telemetry.queries.archived import (
    are_beyond,
    days_to_read,
    given,
    parse_days,
    stretch_of,
)
from apps.telemetry.queries.archived_count import count_of_gpu
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.sample_json import COLUMNS, checked_columns
from apps.telemetry.queries.telemetry_statement import Question, page_statement


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
    parameters["cursor"] = cursor.timestamp if cursor else None
    if clusters is not None:
        parameters["clusters"] = list(clusters)
    asked = Question(
        columns,
        has_start=start is not None,
        has_end=end is not None,
        has_cursor=cursor is not None,
        has_clusters=clusters is not None,
        ascending=ascending,
        shown_ascending=order is Order.ASC,
    )
    stretch = stretch_of(start, end, parameters["cursor"], limit + 1, ascending=ascending)
    row = _with_archived(asked, parameters, stretch)
    if row is None:
        raise UnknownGpu(f"no GPU {uuid!r} has reported; GET /api/v1/gpus lists those that have")
    lines, more, oldest, newest, count, _, _, days = row
    if days:
        count += count_of_gpu(uuid, parse_days(days), start, end)
    return Page(f"[{lines}]", count, *_neighbours(order, cursor, more, oldest, newest))


def _neighbours(
    order: Order,
    cursor: Cursor | None,
    more: bool,
    oldest: datetime | None,
    newest: datetime | None,
) -> tuple[Cursor | None, Cursor | None]:
    """Where the next page begins and where the previous one ends."""
    backwards = cursor is not None and cursor.backwards
    first, last = (oldest, newest) if order is Order.ASC else (newest, oldest)
    follows, precedes = (cursor is not None, more) if backwards else (more, cursor is not None)
    return (
        Cursor(last) if follows and last else None,
        Cursor(first, backwards=True) if precedes and first else None,
    )


def _with_archived(
    asked: Question, parameters: dict[str, Any], stretch: Stretch
) -> list[Any] | None:
    """The row of a page, which has the samples of every archived day that it needs."""
    row = fetch_one(page_statement(asked, with_given=False), parameters)
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
        samples = given(parameters["uuid"], gpu_id, needed, stretch, asked.columns)
        parameters["archived"] = msgspec.json.encode(samples).decode()
        row = fetch_one(page_statement(asked, with_given=True), parameters)
    return None if row is None else list(row)
