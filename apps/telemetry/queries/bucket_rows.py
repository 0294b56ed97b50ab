"""What samples amount to per minute or hour, as SQL: of roll-ups, and of samples at the edges."""

from collections.abc import Iterable

from apps.telemetry.metrics import BY_NAME, Kind, Metric
from apps.telemetry.queries.gpu_choice import GPUS
from apps.telemetry.queries.parts import microseconds, part_rows
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

# A counter's increment runs from its last value, also one before the window or another bucket, so
# that the increments of all buckets add up. One that fell was reset, and counts from 0.
_ROWS = """
WITH gpu AS MATERIALIZED (
  SELECT gpu.id, gpu.uuid, gpu.gpu_index, host.hostname, cluster.slug AS cluster
    FROM {gpus} WHERE true {conditions}
), bucket AS (
  SELECT gpu.id, s.bucket AS at, sum(s.count)::bigint AS count {aggregates}
    FROM gpu, LATERAL (
      SELECT *, date_bin(%(step)s::interval, timestamp, 'epoch') AS bucket {increments}
        FROM (SELECT s.* {previous} FROM ({parts}) s
              WINDOW before AS (ORDER BY s.timestamp
                                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) s
    ) s
   WHERE s.shown
   GROUP BY gpu.id, s.bucket
)
"""


def chosen_metrics(names: Iterable[str]) -> list[Metric]:
    """The metrics of these names; `extra` has no statistics and is left out.

    Raises UnknownColumn.
    """
    names = [name for name in dict.fromkeys(names) if name != "extra"]
    if unknown := [name for name in names if name not in BY_NAME]:
        raise UnknownColumn(f"{unknown[0]!r} is not a metric; they are {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in names]


def bucket_rows(metrics: list[Metric], conditions: str, segments: list[Segment]) -> str:
    """`WITH gpu AS …, bucket AS (…)`: a row per GPU and bucket, by `column_of` for each statistic.

    Its parameters are those of the conditions, the segments' (parts.py) and `step`.
    """
    counters = [metric.name for metric in metrics if metric.kind is Kind.COUNTER]
    return _ROWS.format(
        gpus=GPUS,
        conditions=conditions,
        parts=part_rows(metrics, segments),
        previous="".join(map(_previous, counters)),
        increments="".join(map(_increment, counters)),
        aggregates="".join(
            f", {sql} AS {column_of(metric, statistic)}"
            for metric in metrics
            for statistic, sql in _aggregates(metric).items()
        ),
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
        "rate": f"(sum({name}_d) * 1e6 / nullif(sum({name}_t), 0))::double precision",
    }
    return {statistic: of[statistic] for statistic in STATISTICS_OF[metric.kind]}
