"""What samples amount to per minute or hour, as SQL: of roll-ups, and of samples at the edges."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from apps.telemetry.metrics import BY_NAME, Kind, Metric
from apps.telemetry.queries.gpu_choice import GPUS
from apps.telemetry.queries.parts import (
    bucket_keys,
    growth_rows,
    is_whole,
    microseconds,
    part_rows,
)
from apps.telemetry.queries.sample_json import UnknownColumn
from apps.telemetry.queries.segments import Segment

# What is said of a metric, by its kind: an average code means nothing, nor the least of a total.
STATISTICS_OF = {
    Kind.GAUGE: ("min", "avg", "max", "last"),
    Kind.COUNTER: ("last", "delta", "rate"),
    Kind.BITMASK: ("any", "last"),
    Kind.CODE: ("max", "last"),
    Kind.FLAG: ("max", "last"),
}
# Of these a metric that was reported may have none.
GROWTH = ("delta", "rate")

# A counter's increment runs from its last value, also one before the window or another bucket, so
# that the increments of all buckets add up. One that fell was reset, and counts from 0.
_GPU = """
WITH gpu AS MATERIALIZED (
  SELECT gpu.id, gpu.uuid, gpu.gpu_index, host.hostname, cluster.slug AS cluster
    FROM {gpus} WHERE true {conditions}
)"""
# A page's buckets are found by their times, and only these are read. One more shows what follows.
_KEYS = """
, key AS MATERIALIZED (
  SELECT gpu.id, s.at FROM gpu, LATERAL ({keys}) s
), chosen AS MATERIALIZED (
  SELECT at, id, row_number() OVER (ORDER BY at {read}, id {read}) AS n
    FROM key WHERE {beyond} ORDER BY at {read}, id {read} LIMIT %(limit)s::integer + 1
), reach AS MATERIALIZED (
  SELECT min(at) AS lower, max(at) + %(step)s::interval AS upper
    FROM chosen WHERE n <= %(limit)s::integer
)"""
# What counters grew by is looked for along narrow rows: the others have a hundred columns, and the
# steps that passed them on cost as much as their text.
_GROWN = """
, grown AS MATERIALIZED (
  SELECT gpu.id, s.timestamp, s.whole {increments}
    FROM gpu, LATERAL (
      SELECT s.* {previous} FROM ({rows}) s
      WINDOW before AS (ORDER BY s.timestamp ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) s
   WHERE s.shown
)"""
_PARTS = "(SELECT gpu.id, s.* FROM gpu, LATERAL ({rows}) s)"
# No growth is without its row. FULL, behind OFFSET 0: PostgreSQL expects a few rows, for which a
# nested loop would do, and only a full join is never one.
_PARTS_AND_GROWTH = """(
  SELECT s.* {grown} FROM {parts} s
    FULL JOIN (SELECT * FROM grown WHERE {whole}) g ON g.id = s.id AND g.timestamp = s.timestamp
  OFFSET 0)"""
_WHOLE = "SELECT s.id, s.timestamp AS at, s.count::bigint AS count {values} FROM {parts} s"
_MADE = """
SELECT s.id, s.at, sum(s.count)::bigint AS count {values}
  FROM (SELECT *, date_bin(%(step)s::interval, timestamp, 'epoch') AS at FROM {parts} s) s
 GROUP BY s.id, s.at
"""


def chosen_metrics(names: Iterable[str]) -> list[Metric]:
    """The metrics of these names; `extra` has no statistics and is left out.

    Raises UnknownColumn.
    """
    names = [name for name in dict.fromkeys(names) if name != "extra"]
    if unknown := [name for name in names if name not in BY_NAME]:
        raise UnknownColumn(f"{unknown[0]!r} is not a metric; they are {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in names]


@dataclass(frozen=True, slots=True)
class Page:
    """Which buckets: `beyond` is a condition on `at` and `id`, `read` the order of both."""

    beyond: str
    read: str


def bucket_rows(
    metrics: list[Metric],
    conditions: str,
    segments: list[Segment],
    step: timedelta,
    page: Page | None = None,
) -> str:
    """`WITH gpu AS …, bucket AS (…)`: a row per GPU and bucket, by `column_of` for each statistic.

    With a page also `key` (all buckets: `id`, `at`) and `chosen` (the page's and the one after it,
    numbered `n`); `bucket` then is all that has a time between the page's first and last. Its
    parameters are those of the conditions, the segments' (parts.py), `step` and, for a page,
    `limit`.
    """
    shape = tuple(segment.shape for segment in segments)
    rows = _rows(tuple(metrics), shape, step, page)
    return _GPU.format(gpus=GPUS, conditions=conditions) + rows


@lru_cache(maxsize=32)
def _rows(
    metrics: tuple[Metric, ...],
    segments: tuple[Segment, ...],
    step: timedelta,
    page: Page | None,
) -> str:
    """A millisecond's work for every metric, and the same text whatever the times."""
    is_paged = page is not None
    keys = bucket_keys(segments, step)
    paged = "" if page is None else _KEYS.format(keys=keys, beyond=page.beyond, read=page.read)
    counters = [metric.name for metric in metrics if metric.kind is Kind.COUNTER]
    grown = _grown(counters, segments, step, paged=is_paged) if counters else ""
    # Only the kinds of rows that there are; a roll-up that is a bucket is taken as it is.
    kinds = sorted({is_whole(segment, step) for segment in segments})
    buckets = []
    for whole in kinds:
        rows = part_rows(metrics, segments, step, whole=whole, paged=is_paged)
        buckets.append(_buckets(metrics, _with_growth(counters, rows, whole=whole), whole=whole))
    return f"{paged}{grown}, bucket AS ({' UNION ALL '.join(buckets)})"


def _grown(
    counters: list[str], segments: Sequence[Segment], step: timedelta, *, paged: bool
) -> str:
    return _GROWN.format(
        rows=growth_rows(counters, segments, step, paged=paged),
        previous="".join(map(_previous, counters)),
        increments="".join(map(_increment, counters)),
    )


def _with_growth(counters: list[str], rows: str, *, whole: bool) -> str:
    parts = _PARTS.format(rows=rows)
    if not counters:
        return parts
    grown = "".join(f", g.{name}_d, g.{name}_t" for name in counters)
    condition = "whole" if whole else "NOT whole"
    return _PARTS_AND_GROWTH.format(parts=parts, grown=grown, whole=condition)


def _buckets(metrics: Iterable[Metric], parts: str, *, whole: bool) -> str:
    if whole:
        return _WHOLE.format(values=_columns(metrics, _of_one), parts=parts)
    return _MADE.format(values=_columns(metrics, _aggregates), parts=parts)


def _columns(metrics: Iterable[Metric], of: Callable[[Metric], dict[str, str]]) -> str:
    return "".join(
        f", {sql} AS {column_of(metric, statistic)}"
        for metric in metrics
        for statistic, sql in of(metric).items()
    )


def column_of(metric: Metric, statistic: str) -> str:
    """The name of a statistic's column, here and in exported tables."""
    return f"{metric.name}_{statistic}"


def _previous(name: str) -> str:
    """Time and value of the row before that has the counter: arrays are ordered by time."""
    last = f"ARRAY[{microseconds(f's.{name}_last_at')}, s.{name}_last]"
    return f", max({last}) FILTER (WHERE s.{name}_last IS NOT NULL) OVER before AS {name}_p"


def _increment(name: str) -> str:
    """What the counter grew by over the row, and in how many microseconds."""
    grown = f"CASE WHEN {name}_first >= {name}_p[2] THEN {name}_first - {name}_p[2]"
    grown += f" WHEN {name}_first < {name}_p[2] THEN {name}_first"
    grown += f" WHEN {name}_count > 1 THEN 0 END + {name}_increase"
    first_at, last_at = (microseconds(f"{name}_{end}_at") for end in ("first", "last"))
    since = f"coalesce({name}_p[1], CASE WHEN {name}_count > 1 THEN {first_at} END)"
    taken = f"{last_at} - {since}"
    return f", {grown} AS {name}_d, CASE WHEN {name}_last IS NOT NULL THEN {taken} END AS {name}_t"


def _of_one(metric: Metric) -> dict[str, str]:
    name = f"s.{metric.name}"
    of = {
        "avg": f"{name}_avg::{metric.storage}",
        "delta": f"{name}_d::bigint",
        "rate": f"{name}_d::double precision * 1000000 / nullif({name}_t, 0)",
    }
    return {
        statistic: of.get(statistic, f"{name}_{statistic}")
        for statistic in STATISTICS_OF[metric.kind]
    }


def _aggregates(metric: Metric) -> dict[str, str]:
    name = f"s.{metric.name}"
    number = "bigint" if metric.is_integer else "double precision"
    last = (
        f"((max(ARRAY[s.us::{number}, {name}_last::{number}])"
        f" FILTER (WHERE {name}_last IS NOT NULL))[2])::{metric.storage}"
    )
    mean = f"sum({name}_avg::double precision * {name}_count) / nullif(sum({name}_count), 0)"
    of = {
        "min": f"min({name}_min)",
        "avg": f"({mean})::{metric.storage}",
        "max": f"max({name}_max)",
        "any": f"bit_or({name}_any)",
        "last": last,
        "delta": f"sum({name}_d)::bigint",
        "rate": f"sum({name}_d)::double precision * 1000000 / nullif(sum({name}_t), 0)",
    }
    return {statistic: of[statistic] for statistic in STATISTICS_OF[metric.kind]}
