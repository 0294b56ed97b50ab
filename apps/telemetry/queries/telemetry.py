"""The telemetry of one GPU, page by page."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from apps.telemetry.archive.stretch import Stretch
from apps.telemetry.queries.archived import (
    ArchivedOn,
    are_beyond,
    days_to_read,
    given,
    parse_days,
    stretch_of,
)
from apps.telemetry.queries.archived_count import count_of_gpu
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.sample_json import COLUMNS, checked_columns
from apps.telemetry.queries.sample_lines import SampleLines, cut
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
    answer = _with_archived(asked, parameters, stretch)
    if answer is None:
        raise UnknownGpu(f"no GPU {uuid!r} has reported; GET /api/v1/gpus lists those that have")
    lines, count, days = answer
    if days:
        count += count_of_gpu(uuid, days, start, end)
    return Page(f"[{lines.text}]", count, *_neighbours(cursor, lines))


def _neighbours(cursor: Cursor | None, lines: SampleLines) -> tuple[Cursor | None, Cursor | None]:
    """Where the next page begins and where the previous one ends."""
    backwards = cursor is not None and cursor.backwards
    has_cursor = cursor is not None
    follows, precedes = (has_cursor, lines.more) if backwards else (lines.more, has_cursor)
    return (
        Cursor(lines.last) if follows and lines.last else None,
        Cursor(lines.first, backwards=True) if precedes and lines.first else None,
    )


def _with_archived(
    asked: Question, parameters: dict[str, Any], stretch: Stretch
) -> tuple[SampleLines, int, list[ArchivedOn]] | None:
    """A page with the samples of every archived day that it needs; how many are stored in its
    window, and the window's archived days.
    """
    backwards = asked.ascending is not asked.shown_ascending
    limit = parameters["limit"]
    row = fetch_one(page_statement(asked, with_given=False), parameters)
    read: set[date] = set()
    while row is not None:
        text, rows, count, gpu_id, days = row
        lines = cut(text, rows, limit, backwards=backwards)
        archived = parse_days(days) if days else []
        reached = (lines.first if backwards else lines.last) if rows >= limit else None
        needed = days_to_read(archived, stretch, reached)
        if read.issuperset(needed):
            if reached and are_beyond(archived, stretch, reached):
                lines = lines._replace(more=True)
            return lines, count, archived
        read = set(needed)
        samples = given(parameters["uuid"], gpu_id, needed, stretch, asked.columns)
        parameters["archived"] = msgspec.json.encode(samples).decode()
        row = fetch_one(page_statement(asked, with_given=True), parameters)
    return None
