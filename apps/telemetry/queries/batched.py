"""The latest sample and the telemetry of many GPUs, in one statement each, as Python objects.

For whoever arranges samples anew; to pass them on as they are, take the JSON of latest.py and
telemetry.py. A sample is the same here as there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from apps.telemetry.archive.stretch import Stretch
from apps.telemetry.queries.archived import (
    DAYS,
    days_to_read,
    given,
    parse_days,
    source,
    stretch_of,
    window_of_days,
)
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
SELECT coalesce(json_object_agg(gpu.uuid, json_build_array(gpu.id, {days}, page.samples)),
                '{{}}')::text
{gpus},
       LATERAL (
         SELECT coalesce(json_agg(row_to_json(fields) ORDER BY s.timestamp {order}), '[]') AS samples
           FROM {source} s,
                LATERAL (SELECT {fields}) fields
       ) page
{chosen}
"""  # noqa: E501
_STORED = """
(SELECT * FROM telemetry_sample s
  WHERE s.gpu_id = gpu.id {bounds}
  ORDER BY s.timestamp {order} LIMIT %(limit)s::integer)
"""


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
    columns = checked_columns(columns)
    statements = [_pages(excerpt, columns, with_given=with_given) for with_given in (False, True)]
    parameters: dict[str, object] = {
        "start": excerpt.start, "end": excerpt.end, "after": excerpt.after, "limit": excerpt.limit,
    }  # fmt: skip
    answers = _answers(_text(statements[0], uuids, clusters, **parameters))
    read: dict[str, list[date]] = {}
    while (needed := _days_to_read(answers, excerpt)) and any(
        set(days) - set(read.get(uuid, ())) for uuid, days in needed.items()
    ):
        read = needed
        samples = [
            sample
            for uuid, days in needed.items()
            for sample in given(uuid, answers[uuid].gpu_id, days, _stretch(excerpt), columns)
        ]
        parameters["archived"] = msgspec.json.encode(samples).decode()
        answers = _answers(_text(statements[1], uuids, clusters, **parameters))
    return {uuid: answer.samples for uuid, answer in answers.items()}


class _Answer(msgspec.Struct, array_like=True):
    """What the statement tells of one GPU; `days` are those that the archive alone has."""

    gpu_id: int
    days: str | None
    samples: list[Sample]


def _answers(text: str) -> dict[str, _Answer]:
    return msgspec.json.decode(text, type=dict[str, _Answer])


def _pages(excerpt: Excerpt, columns: Sequence[str], *, with_given: bool) -> str:
    order = "ASC" if excerpt.order is Order.ASC else "DESC"
    stored = _STORED.format(bounds=_bounds(excerpt), order=order)
    return _PAGES.format(
        fields=sample_fields("s", columns),
        gpus=_GPUS,
        chosen=_CHOSEN,
        days=DAYS.format(window=window_of_days(excerpt.start, excerpt.end)),
        source=source(stored, order, "%(limit)s::integer", with_given=with_given),
        order=order,
    )


def _stretch(excerpt: Excerpt) -> Stretch:
    is_ascending = excerpt.order is Order.ASC
    return stretch_of(
        excerpt.start, excerpt.end, excerpt.after, excerpt.limit, ascending=is_ascending
    )


def _days_to_read(answers: Mapping[str, _Answer], excerpt: Excerpt) -> dict[str, list[date]]:
    """For each GPU whose answer may lack some, the days whose archived samples it needs."""
    stretch = _stretch(excerpt)
    needed = {}
    for uuid, answer in answers.items():
        if answer.days is None:
            continue
        is_full = len(answer.samples) >= excerpt.limit > 0
        reached = datetime.fromisoformat(answer.samples[-1]["timestamp"]) if is_full else None
        if days := days_to_read(parse_days(answer.days), stretch, reached):
            needed[uuid] = days
    return needed


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
