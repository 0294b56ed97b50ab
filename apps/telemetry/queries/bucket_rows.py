"""What samples amount to per minute or hour, as SQL: made of the samples while it is asked for."""

from collections.abc import Iterable
from datetime import datetime

from apps.telemetry.metrics import BY_NAME, Kind, Metric
from apps.telemetry.queries.gpu_choice import GPUS
from apps.telemetry.queries.sample_json import UnknownColumn
from apps.telemetry.queries.window import window_of

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
  SELECT gpu.id, s.bucket AS at, count(*) AS count {aggregates}
    FROM gpu, LATERAL (
      SELECT *, date_bin(%(step)s::interval, timestamp, 'epoch') AS bucket {increments}
        FROM (SELECT s.*, (extract(epoch FROM s.timestamp) * 1000000)::bigint AS us {previous}
                FROM telemetry_sample s
               WHERE s.gpu_id = gpu.id {window_and_before}
              WINDOW before AS (ORDER BY s.timestamp
                                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) s
    ) s
   WHERE true {window}
   GROUP BY gpu.id, s.bucket
)
"""
_BEFORE = """
coalesce((SELECT max(earlier.timestamp) FROM telemetry_sample earlier
           WHERE earlier.gpu_id = gpu.id AND earlier.timestamp < %(start)s::timestamptz),
         %(start)s::timestamptz)
"""


def chosen_metrics(names: Iterable[str]) -> list[Metric]:
    """The metrics of these names; `extra` has no statistics and is left out.

    Raises UnknownColumn.
    """
    names = [name for name in dict.fromkeys(names) if name != "extra"]
    if unknown := [name for name in names if name not in BY_NAME]:
        raise UnknownColumn(f"{unknown[0]!r} is not a metric; they are {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in names]


def bucket_rows(
    metrics: list[Metric], conditions: str, start: datetime | None, end: datetime | None
) -> str:
    """`WITH gpu AS …, bucket AS (…)`: a row per GPU and bucket, by `column_of` for each statistic.

    Its parameters are those of the conditions, `start`, `end` and `step`.
    """
    counters = [metric.name for metric in metrics if metric.kind is Kind.COUNTER]
    earliest = f"AND s.timestamp >= {_BEFORE if counters else '%(start)s::timestamptz'}"
    return _ROWS.format(
        gpus=GPUS,
        conditions=conditions,
        window=window_of(start, end),
        window_and_before=f"{earliest if start else ''} {window_of(None, end)}",
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
    """Time and value of the sample before that has the counter: arrays are ordered by time."""
    return (
        f", max(ARRAY[{_US}, s.{name}]) FILTER (WHERE s.{name} IS NOT NULL) OVER before AS {name}_p"
    )


def _increment(name: str) -> str:
    grown = f"CASE WHEN {name} >= {name}_p[2] THEN {name} - {name}_p[2]"
    grown += f" WHEN {name} < {name}_p[2] THEN {name} END"
    return (
        f", {grown} AS {name}_d, CASE WHEN {name} IS NOT NULL THEN us - {name}_p[1] END AS {name}_t"
    )


def _aggregates(metric: Metric) -> dict[str, str]:
    name = metric.name
    number = "bigint" if metric.is_integer else "double precision"
    last = (
        f"((max(ARRAY[s.us::{number}, s.{name}::{number}])"
        f" FILTER (WHERE s.{name} IS NOT NULL))[2])::{metric.storage}"
    )
    of = {
        "min": f"min(s.{name})",
        "avg": f"avg(s.{name})::{metric.storage}",
        "max": f"max(s.{name})",
        "any": f"bit_or(s.{name})",
        "last": last,
        "delta": f"sum(s.{name}_d)::bigint",
        "rate": f"(sum(s.{name}_d) * 1e6 / nullif(sum(s.{name}_t), 0))::double precision",
    }
    return {statistic: of[statistic] for statistic in STATISTICS_OF[metric.kind]}


_US = "(extract(epoch FROM s.timestamp) * 1000000)::bigint"
