"""The rows that a window is made of, as SQL: samples, minutes and hours in the same columns. Pure.

Each has `timestamp`, `us` (the same in microseconds), `count`, `whole` (true for a roll-up that is
a bucket by itself), `shown` (false for what is before the first, from which counters go on) and,
for each metric, the columns of a roll-up that its kind's statistics need.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

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
# How many rows before the first are looked at: not every sample has every counter.
BEFORE = 10
# Of a page, the time from its first bucket's start to its last one's end.
_WITHIN = "s.timestamp >= (SELECT lower FROM reach) AND s.timestamp < (SELECT upper FROM reach)"


def microseconds(time: str) -> str:
    """A time as a number, exact."""
    return f"(extract(epoch FROM {time}) * 1000000)::bigint"


def is_whole(segment: Segment, step: timedelta) -> bool:
    """Whether each row is a bucket of this step."""
    return segment.level is not None and segment.level.step == step


def part_rows(
    metrics: Iterable[Metric], segments: list[Segment], step: timedelta, *, paged: bool
) -> str:
    """The rows of one `gpu`, to stand in parentheses; its parameters are `part_parameters`.

    `paged`: only those that a relation `reach` tells, from `lower` to `upper`.
    """
    metrics = list(metrics)
    selects = []
    befores = []
    for n, segment in enumerate(segments):
        select = _select(metrics, segment, step)
        bounds = _bounds(n, segment)
        selects.append(f"{select} {bounds} AND {_WITHIN}" if paged else f"{select} {bounds}")
        if paged:
            befores.append((segment, f"{bounds} AND s.timestamp < (SELECT lower FROM reach)"))
    if segments[0].lower is not None:
        befores.append((segments[0], "s.timestamp < %(from_0)s::timestamptz"))
    if any(metric.kind is Kind.COUNTER for metric in metrics):
        selects += [_before(metrics, segment, step, condition) for segment, condition in befores]
    return " UNION ALL ".join(selects)


def bucket_keys(segments: list[Segment], step: timedelta) -> str:
    """The starts `at` of one `gpu`'s buckets, to stand in parentheses; found by the index alone."""
    of: dict[bool, list[str]] = {True: [], False: []}
    for n, segment in enumerate(segments):
        of[is_whole(segment, step)].append(_times(n, segment))
    keys = list(of[True])
    if of[False]:
        binned = "SELECT DISTINCT date_bin(%(step)s::interval, at, 'epoch') AS at"
        keys.append(f"{binned} FROM ({' UNION ALL '.join(of[False])}) finer")
    return " UNION ALL ".join(keys)


def _times(n: int, segment: Segment) -> str:
    table = _table(segment)
    return (
        f"SELECT s.timestamp AS at FROM {table} s WHERE s.gpu_id = gpu.id AND {_bounds(n, segment)}"
    )


def counted_rows(segments: list[Segment]) -> str:
    """The same rows, but for those before, without columns: to be counted."""
    return " UNION ALL ".join(_times(n, segment) for n, segment in enumerate(segments))


def part_parameters(segments: list[Segment]) -> dict[str, datetime | None]:
    """The bounds that the rows name."""
    return {
        name: bound
        for n, segment in enumerate(segments)
        for name, bound in ((f"from_{n}", segment.lower), (f"to_{n}", segment.upper))
    }


def _before(metrics: list[Metric], segment: Segment, step: timedelta, condition: str) -> str:
    select = _select(metrics, segment, step, shown=False)
    return f"({select} {condition} ORDER BY s.timestamp DESC LIMIT {BEFORE})"


def _select(metrics: list[Metric], segment: Segment, step: timedelta, *, shown: bool = True) -> str:
    """What a row has, up to the conditions."""
    whole = is_whole(segment, step)
    # Which of several rows is the last need not be known of one.
    us = "NULL::bigint" if whole else microseconds("s.timestamp")
    columns = ["s.timestamp", f"{us} AS us", f"{shown} AS shown", f"{whole} AS whole"]
    columns.append("1 AS count" if segment.level is None else "s.count")
    for metric in metrics:
        columns += [
            f"{_column(metric, part, segment)} AS {metric.name}_{part}"
            for part in NEEDED[metric.kind]
        ]
    return f"SELECT {', '.join(columns)} FROM {_table(segment)} s WHERE s.gpu_id = gpu.id AND"


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
