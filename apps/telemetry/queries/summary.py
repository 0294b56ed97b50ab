"""What each metric of many GPUs was over a window, in one statement."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from apps.telemetry.metrics import BY_NAME, METRIC_NAMES, Kind, Metric, Storage
from apps.telemetry.queries.archived import DAYS, source, window_of_days
from apps.telemetry.queries.archived_table import TABLE, archived_table
from apps.telemetry.queries.gpu_choice import GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.sample_json import UnknownColumn
from apps.telemetry.queries.window import window_of

Summary = dict[str, float | int | None]
STATISTICS = ("min", "avg", "max", "p50", "p95", "p99", "last", "count")
# An average error code means nothing, and one of a running total says only when it was asked for.
AVERAGED = frozenset({Kind.GAUGE, Kind.FLAG})

# `last` is looked up by its time: collecting every value to keep one needs memory without bound.
_SUMMARIES = """
SELECT coalesce(json_object_agg(gpu.uuid, line.line), '{{}}')::text, bool_or({days} IS NOT NULL)
  FROM telemetry_gpu gpu
  JOIN telemetry_host host ON host.id = gpu.host_id
  JOIN telemetry_cluster cluster ON cluster.id = host.cluster_id,
       LATERAL (SELECT {aggregates}
                  FROM {source} s) a,
       LATERAL (SELECT {lasts}
                  FROM {last_source} s) b,
       LATERAL (SELECT json_build_object({objects}) AS line) line
 WHERE gpu.uuid = ANY(%(uuids)s::text[])
   AND (%(clusters)s::text[] IS NULL OR cluster.slug = ANY(%(clusters)s::text[]))
"""
_STORED = "(SELECT * FROM telemetry_sample s WHERE s.gpu_id = gpu.id {condition})"
_AT_LAST = "AND s.timestamp = ANY(ARRAY[{times}])"


def summaries(
    uuids: Iterable[str],
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    metrics: Iterable[str] = METRIC_NAMES,
    clusters: Collection[str] | None = None,
) -> dict[str, dict[str, Summary]]:
    """For each known GPU, each of `metrics` over its samples with `start` ≤ timestamp ≤ `end`.

    A summary holds STATISTICS, in the metric's unit; percentiles are interpolated. A sample that
    did not report the metric is not counted: with none, `count` is 0 and the rest None. `avg` and
    percentiles are None for counters, codes and masks (for a counter `max` - `min` is what it
    grew by, unless it was reset). `clusters` are the slugs to look at. Raises UnknownColumn and
    ArchiveFailed.
    """
    chosen = _registered(metrics)
    asked = list(uuids)
    if not chosen or not asked:
        return {}
    parameters = {
        "uuids": asked,
        "start": start,
        "end": end,
        "clusters": None if clusters is None else list(clusters),
    }
    row = fetch_one(_statement(chosen, start, end), parameters)
    if row is not None and row[1]:
        choice = GpuChoice(uuids=asked, clusters=clusters)
        with archived_table(choice, start, end, [metric.name for metric in chosen]):
            row = fetch_one(_statement(chosen, start, end, with_given=True), parameters)
    assert row is not None, "an aggregate has one row"
    return msgspec.json.decode(row[0], type=dict[str, dict[str, Summary]])


def _registered(names: Iterable[str]) -> list[Metric]:
    """The metrics of these names, which alone reach the statement."""
    chosen = dict.fromkeys(names)
    for name in chosen:
        if name not in BY_NAME:
            raise UnknownColumn(
                f"{name!r} is not a metric; the metrics are {', '.join(METRIC_NAMES)}"
            )
    return [BY_NAME[name] for name in chosen]


def _statement(
    metrics: list[Metric],
    start: datetime | None,
    end: datetime | None,
    *,
    with_given: bool = False,
) -> str:
    times = ", ".join(f"a.{metric.name}_at" for metric in metrics)
    sources = [
        source(_STORED.format(condition=condition), "ASC", with_given=with_given, given=TABLE)
        for condition in (window_of(start, end), _AT_LAST.format(times=times))
    ]
    return _SUMMARIES.format(
        aggregates=", ".join(_aggregates(metric) for metric in metrics),
        lasts=", ".join(_last(metric.name) for metric in metrics),
        objects=", ".join(_object(metric) for metric in metrics),
        days=DAYS.format(window=window_of_days(start, end)),
        source=sources[0],
        last_source=sources[1],
    )


def _aggregates(metric: Metric) -> str:
    """One pass over the samples; NULLs are in none of these."""
    name = metric.name
    columns = [
        f"min(s.{name}) AS {name}_min",
        f"max(s.{name}) AS {name}_max",
        f"count(s.{name}) AS {name}_count",
        f"max(s.timestamp) FILTER (WHERE s.{name} IS NOT NULL) AS {name}_at",
    ]
    if metric.kind in AVERAGED:
        columns += [
            f"avg(s.{name}) AS {name}_avg",
            f"percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY s.{name}) AS {name}_p",
        ]
    return ", ".join(columns)


def _last(name: str) -> str:
    return f"max(s.{name}) FILTER (WHERE s.timestamp = a.{name}_at) AS {name}_last"


def _object(metric: Metric) -> str:
    name = metric.name
    # Digits beyond those that the column keeps are noise.
    number = "real" if metric.storage is Storage.REAL else "double precision"
    averaged = metric.kind in AVERAGED
    of = {
        "min": f"a.{name}_min",
        "avg": f"a.{name}_avg::{number}" if averaged else "NULL",
        "max": f"a.{name}_max",
        **{
            f"p{percent}": f"a.{name}_p[{place}]::{number}" if averaged else "NULL"
            for place, percent in enumerate((50, 95, 99), start=1)
        },
        "last": f"b.{name}_last",
        "count": f"a.{name}_count",
    }
    fields = (f"'{statistic}', {of[statistic]}" for statistic in STATISTICS)
    return f"'{name}', json_build_object({', '.join(fields)})"
