"""How a row of a roll-up is made, as SQL: a minute of samples, an hour of minutes. Pure text.

`select_list` takes one (gpu_id, at) of a relation `bucket` and joins what its source holds for it:
`a` the aggregates, `b` the values at the times that `a` found.
"""

from dataclasses import dataclass

from apps.telemetry.metrics import METRICS, Kind, Metric
from apps.telemetry.rollups.columns import STATISTICS, column_type

# A longer silence has no known power, and counts as none.
MAX_GAP = "interval '5 minutes'"
HOURS = "extract(epoch FROM {})::double precision / 3600"


@dataclass(frozen=True, slots=True)
class Source:
    """What a bucket is made of: `table` has the rows, `window` bounds them (a condition on `s`)."""

    table: str
    window: str
    of_samples: bool


def joins(source: Source) -> str:
    """`a` and `b` of each `bucket`, to follow a relation of that name."""
    aggregates = ["count(*) AS n", *_row_aggregates(source)]
    values = []
    times = []
    for metric in METRICS:
        aggregates += _aggregates(metric, source)
        for at, value, column in _looked_up(metric, source):
            times.append(f"a.{at}")
            values.append(f"max(s.{value}) FILTER (WHERE s.timestamp = a.{at}) AS {column}")
    return f"""
  CROSS JOIN LATERAL (SELECT {", ".join(aggregates)} {_rows(source)}) a
  CROSS JOIN LATERAL (SELECT {", ".join(values)} {_rows(source)}
                         AND s.timestamp = ANY(ARRAY[{", ".join(times)}])) b"""


def select_list(source: Source) -> str:
    """The row's columns in the order of COLUMNS."""
    row = ["bucket.gpu_id", "bucket.at AS timestamp", "a.count", "a.first_at", "a.last_at"]
    row.append(f"{_power_energy(source)} AS power_energy_wh")
    for metric in METRICS:
        for statistic in STATISTICS[metric.kind]:
            column = f"{metric.name}_{statistic}"
            row.append(f"{_value(metric, statistic, source)} AS {column}")
    return ", ".join(row)


def _rows(source: Source) -> str:
    return f"FROM {source.table} s WHERE s.gpu_id = bucket.gpu_id AND {source.window}"


def _row_aggregates(source: Source) -> list[str]:
    if source.of_samples:
        return ["count(*)::integer AS count", "min(s.timestamp) AS first_at",
                "max(s.timestamp) AS last_at"]  # fmt: skip
    return ["sum(s.count)::integer AS count", "min(s.first_at) AS first_at",
            "max(s.last_at) AS last_at"]  # fmt: skip


def _aggregates(metric: Metric, source: Source) -> list[str]:
    of = _of_samples(metric) if source.of_samples else _of_minutes(metric)
    return [f"{sql} AS {metric.name}_{name}" for name, sql in of.items()]


def _of_samples(metric: Metric) -> dict[str, str]:
    """NULLs are in none of these; `at` is when the metric was last reported."""
    name = f"s.{metric.name}"
    reported = f"FILTER (WHERE {name} IS NOT NULL)"
    of = {"count": f"count({name})::integer", "at": f"max(s.timestamp) {reported}"}
    if metric.kind is Kind.BITMASK:
        return of | {"any": f"bit_or({name})"}
    of["max"] = f"max({name})"
    if metric.kind is Kind.CODE:
        return of
    of["min"] = f"min({name})"
    if metric.kind is Kind.COUNTER:
        return of | {"from": f"min(s.timestamp) {reported}"}
    return of | {"avg": f"avg({name})::{column_type(metric, 'avg')}"}


def _of_minutes(metric: Metric) -> dict[str, str]:
    name = f"s.{metric.name}"
    reported = f"FILTER (WHERE {name}_count > 0)"
    of = {"count": f"sum({name}_count)::integer", "at": f"max(s.timestamp) {reported}"}
    if metric.kind is Kind.BITMASK:
        return of | {"any": f"bit_or({name}_any)"}
    if metric.kind is Kind.COUNTER:
        return of | {
            "from": f"min(s.timestamp) {reported}",
            "first_at": f"min({name}_first_at)",
            "last_at": f"max({name}_last_at)",
            "min": f"min(least({name}_first, {name}_last))",
            "max": f"max(greatest({name}_first, {name}_last))",
            "sum": f"sum({name}_increase)",
        }
    of["max"] = f"max({name}_max)"
    if metric.kind is Kind.CODE:
        return of
    weighted = f"sum({name}_avg::double precision * {name}_count)"
    mean = f"{weighted} / nullif(sum({name}_count), 0)"
    return of | {"min": f"min({name}_min)", "avg": f"({mean})::{column_type(metric, 'avg')}"}


def _looked_up(metric: Metric, source: Source) -> list[tuple[str, str, str]]:
    """(time in `a`, column of the source, column of `b`) of each value that is taken at a time."""
    name = metric.name
    last, first = (name, name) if source.of_samples else (f"{name}_last", f"{name}_first")
    found = [(f"{name}_at", last, f"{name}_last")]
    if metric.kind is Kind.COUNTER:
        found.append((f"{name}_from", first, f"{name}_first"))
    return found


def _value(metric: Metric, statistic: str, source: Source) -> str:
    name = metric.name
    if statistic in ("first", "last"):
        return f"b.{name}_{statistic}"
    if source.of_samples and statistic in ("first_at", "last_at"):
        return f"a.{name}_from" if statistic == "first_at" else f"a.{name}_at"
    if statistic == "increase":
        return _increase(name, source)
    return f"a.{name}_{statistic}"


def _increase(name: str, source: Source) -> str:
    """What the counter grew by; one that fell was reset, and counts from 0.

    Most counters stand still, which the aggregates show. The others are followed step by step.
    """
    if source.of_samples:
        still = f"a.{name}_min = a.{name}_max"
        step = f"SELECT 0 AS within, {name} AS first, {name} AS last"
        reported = f"s.{name} IS NOT NULL"
    else:
        still = f"a.{name}_min = a.{name}_max AND a.{name}_sum = 0"
        step = f"SELECT {name}_increase AS within, {name}_first AS first, {name}_last AS last"
        reported = f"s.{name}_count > 0"
    return f"""CASE WHEN a.{name}_count = 0 THEN NULL WHEN {still} THEN 0 ELSE (
      SELECT sum(within + CASE WHEN first >= before THEN first - before
                               WHEN first < before THEN first ELSE 0 END)::bigint
        FROM (SELECT within, first, lag(last) OVER (ORDER BY timestamp) AS before
                FROM ({step}, s.timestamp {_rows(source)} AND {reported}) s) s) END"""


def _power_energy(source: Source) -> str:
    """Watt hours by power: its average, over the time that the samples span."""
    if source.of_samples:
        return f"a.power_draw_avg * {HOURS.format('(a.last_at - a.first_at)')}"
    hours = HOURS.format("gap")
    return f"""(SELECT sum(power_energy_wh + CASE WHEN gap <= {MAX_GAP}
                      THEN power_draw_avg * {hours} ELSE 0 END)
        FROM (SELECT s.power_energy_wh, s.power_draw_avg,
                     s.first_at - lag(s.last_at) OVER (ORDER BY s.timestamp) AS gap
                {_rows(source)}) s)"""
