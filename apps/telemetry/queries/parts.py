"""The rows that a window is made of, as SQL: samples, minutes and hours in the same columns. Pure.

Each has `timestamp`, `us` (the same in microseconds), `count`, `shown` (false for what is before
the window, from which counters go on) and, for each metric, the columns of a roll-up that its
kind's statistics need.
"""

from collections.abc import Iterable
from datetime import datetime

from apps.telemetry.metrics import Kind, Metric
from apps.telemetry.queries.segments import Segment

# Of a roll-up's columns; a single sample is a roll-up of one.
NEEDED = {
    Kind.GAUGE: ("count", "min", "max", "avg", "last"),
    Kind.COUNTER: ("count", "first", "first_at", "last", "last_at", "increase"),
    Kind.BITMASK: ("any", "last"),
    Kind.CODE: ("max", "last"),
    Kind.FLAG: ("max", "last"),
}
SAMPLES = "telemetry_sample"
# How many rows before the window are looked at: not every sample has every counter.
BEFORE = 10


def microseconds(time: str) -> str:
    """A time as a number, exact."""
    return f"(extract(epoch FROM {time}) * 1000000)::bigint"


def part_rows(metrics: Iterable[Metric], segments: list[Segment]) -> str:
    """The rows of one `gpu`, to stand in parentheses; its parameters are `part_parameters`."""
    metrics = list(metrics)
    selects = [_select(metrics, segment, _bounds(n, segment)) for n, segment in enumerate(segments)]
    first = segments[0]
    if first.lower is not None and any(metric.kind is Kind.COUNTER for metric in metrics):
        latest = f"s.timestamp < %(from_0)s::timestamptz ORDER BY s.timestamp DESC LIMIT {BEFORE}"
        selects.append(f"({_select(metrics, first, latest, shown=False)})")
    return " UNION ALL ".join(selects)


def counted_rows(segments: list[Segment]) -> str:
    """The same rows, but for the one before, without columns: to be counted."""
    return " UNION ALL ".join(
        f"SELECT 1 FROM {_table(segment)} s WHERE s.gpu_id = gpu.id AND {_bounds(n, segment)}"
        for n, segment in enumerate(segments)
    )


def part_parameters(segments: list[Segment]) -> dict[str, datetime | None]:
    """The bounds that the rows name."""
    return {
        name: bound
        for n, segment in enumerate(segments)
        for name, bound in ((f"from_{n}", segment.lower), (f"to_{n}", segment.upper))
    }


def _select(metrics: list[Metric], segment: Segment, condition: str, *, shown: bool = True) -> str:
    columns = ["s.timestamp", f"{microseconds('s.timestamp')} AS us", f"{shown} AS shown"]
    columns.append("1 AS count" if segment.level is None else "s.count")
    for metric in metrics:
        columns += [
            f"{_column(metric, part, segment)} AS {metric.name}_{part}"
            for part in NEEDED[metric.kind]
        ]
    return (
        f"SELECT {', '.join(columns)} FROM {_table(segment)} s"
        f" WHERE s.gpu_id = gpu.id AND {condition}"
    )


def _column(metric: Metric, part: str, segment: Segment) -> str:
    if segment.level is not None:
        return f"s.{metric.name}_{part}"
    value = f"s.{metric.name}"
    of = {
        "count": f"({value} IS NOT NULL)::integer",
        "increase": "0::bigint",
        "first_at": "s.timestamp",
        "last_at": "s.timestamp",
    }
    return of.get(part, value)


def _table(segment: Segment) -> str:
    return SAMPLES if segment.level is None else segment.level.table


def _bounds(n: int, segment: Segment) -> str:
    """Only those there are: a bound that PostgreSQL sees lets it skip other partitions."""
    lower = f"s.timestamp >= %(from_{n})s::timestamptz" if segment.lower else "true"
    return f"{lower} AND s.timestamp < %(to_{n})s::timestamptz" if segment.upper else lower
