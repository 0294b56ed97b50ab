"""The rows that a window is made of, as SQL: samples, minutes and hours in the same columns. Pure.

Each has `timestamp`, `us` (the same in microseconds), `count` and, for each metric, the columns of
a roll-up that its kind's statistics need. How a counter grew is told by rows of their own, which
have `whole` (true for a roll-up that is a bucket by itself) and `shown` (false for what is before
the first, from which counters go on).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from apps.telemetry.metrics import Kind, Metric
from apps.telemetry.queries.segments import Segment

# Of a roll-up's columns; a single sample is a roll-up of one.
NEEDED = {
    Kind.GAUGE: ("count", "min", "max", "avg", "last"),
    Kind.COUNTER: ("last",),
    Kind.BITMASK: ("any", "last"),
    Kind.CODE: ("max", "last"),
    Kind.FLAG: ("max", "last"),
}
OF_GROWTH = ("count", "first", "first_at", "last", "last_at", "increase")
SAMPLES = "telemetry_sample"
# How many rows before the first are looked at: not every sample has every counter.
BEFORE = 10
# Of a page, the time from its first bucket's start to its last one's end.
_WITHIN = "AND s.timestamp >= (SELECT lower FROM reach) AND s.timestamp < (SELECT upper FROM reach)"
_PRECEDING = "AND s.timestamp < (SELECT lower FROM reach)"


def microseconds(time: str) -> str:
    """A time as a number, exact."""
    return f"(extract(epoch FROM {time}) * 1000000)::bigint"


def is_whole(segment: Segment, step: timedelta) -> bool:
    """Whether each row is a bucket of this step."""
    return segment.level is not None and segment.level.step == step


def part_rows(
    metrics: Iterable[Metric],
    segments: Sequence[Segment],
    step: timedelta,
    *,
    whole: bool,
    paged: bool,
) -> str:
    """The rows of one `gpu` that are `whole` or not, to stand in parentheses.

    There must be a segment of the kind; the parameters are `part_parameters`. `paged`: only those
    that a relation `reach` tells, from `lower` to `upper`.
    """
    metrics = list(metrics)
    within = _WITHIN if paged else ""
    return " UNION ALL ".join(
        f"{_select(_values(metrics, segment, whole=whole), n, segment)} {within}"
        for n, segment in enumerate(segments)
        if is_whole(segment, step) is whole
    )


def growth_rows(
    counters: list[str], segments: Sequence[Segment], step: timedelta, *, paged: bool
) -> str:
    """All rows of one `gpu` that have a counter, with what they grow by, and some before the first.

    Of those before, so many are looked at, with counters or without.
    """
    selects, befores = [], []
    for n, segment in enumerate(segments):
        whole = is_whole(segment, step)
        shown, before = (
            _select(_growth(counters, segment, whole=whole, shown=of_it), n, segment)
            for of_it in (True, False)
        )
        selects.append(f"{shown} {_WITHIN if paged else ''} {_with_any(counters, segment)}")
        if paged:
            befores.append(f"{before} {_PRECEDING}")
    first = segments[0]
    if first.lower is not None:
        growth = _growth(counters, first, whole=is_whole(first, step), shown=False)
        befores.append(f"{_from(growth, first)} AND s.timestamp < %(from_0)s::timestamptz")
    newest = [f"({before} ORDER BY s.timestamp DESC LIMIT {BEFORE})" for before in befores]
    return " UNION ALL ".join(selects + newest)


def bucket_keys(segments: Sequence[Segment], step: timedelta) -> str:
    """The starts `at` of one `gpu`'s buckets, to stand in parentheses; found by the index alone."""
    of: dict[bool, list[str]] = {True: [], False: []}
    for n, segment in enumerate(segments):
        of[is_whole(segment, step)].append(_select("s.timestamp AS at", n, segment))
    keys = list(of[True])
    if of[False]:
        binned = "SELECT DISTINCT date_bin(%(step)s::interval, at, 'epoch') AS at"
        keys.append(f"{binned} FROM ({' UNION ALL '.join(of[False])}) finer")
    return " UNION ALL ".join(keys)


def counted_rows(segments: Sequence[Segment]) -> str:
    """The rows without columns: to be counted."""
    return " UNION ALL ".join(_select("1", n, segment) for n, segment in enumerate(segments))


def part_parameters(segments: Sequence[Segment]) -> dict[str, datetime | None]:
    """The bounds that the rows name."""
    return {
        name: bound
        for n, segment in enumerate(segments)
        for name, bound in ((f"from_{n}", segment.lower), (f"to_{n}", segment.upper))
    }


def _values(metrics: list[Metric], segment: Segment, *, whole: bool) -> str:
    # Which of several rows is the last need not be known of one.
    us = "NULL::bigint" if whole else microseconds("s.timestamp")
    count = "1 AS count" if segment.level is None else "s.count"
    columns = ["s.timestamp", f"{us} AS us", count]
    for metric in metrics:
        columns += _columns(metric.name, NEEDED[metric.kind], segment)
    return ", ".join(columns)


def _growth(counters: list[str], segment: Segment, *, whole: bool, shown: bool) -> str:
    columns = ["s.timestamp", f"{shown} AS shown", f"{whole} AS whole"]
    for name in counters:
        columns += _columns(name, OF_GROWTH, segment)
    return ", ".join(columns)


def _with_any(counters: list[str], segment: Segment) -> str:
    values = ", ".join(_column(name, "last", segment) for name in counters)
    return f"AND num_nonnulls({values}) > 0"


def _columns(metric: str, parts: Iterable[str], segment: Segment) -> list[str]:
    return [f"{_column(metric, part, segment)} AS {metric}_{part}" for part in parts]


def _column(metric: str, part: str, segment: Segment) -> str:
    value = f"s.{metric}"
    if segment.level is not None:
        return f"{value}_{part}"
    of = {
        "count": f"({value} IS NOT NULL)::integer",
        "increase": "0::bigint",
        "first_at": "s.timestamp",
        "last_at": "s.timestamp",
    }
    return of.get(part, value)


def _from(columns: str, segment: Segment) -> str:
    """A SELECT, up to a condition on the time."""
    table = SAMPLES if segment.level is None else segment.level.table
    return f"SELECT {columns} FROM {table} s WHERE s.gpu_id = gpu.id"


def _select(columns: str, n: int, segment: Segment) -> str:
    """Within its bounds, of which there are only those that PostgreSQL may skip partitions by."""
    lower = f" AND s.timestamp >= %(from_{n})s::timestamptz" if segment.lower else ""
    upper = f" AND s.timestamp < %(to_{n})s::timestamptz" if segment.upper else ""
    return f"{_from(columns, segment)}{lower}{upper}"
