"""Which minutes of which GPUs a batch touches, to be stored beside its samples. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

Row = tuple[Any, ...]


def touched_minutes(rows: Sequence[Row]) -> dict[datetime, str]:
    """By minute, the GPUs that have a row in it, as PostgreSQL's int4multirange.

    Rows begin with the GPU's key and the time. GPUs that register together have neighbouring keys,
    so ranges are a fraction of a list.
    """
    times = [row[1] for row in rows]
    first = _minute(min(times))
    if first == _minute(max(times)):  # nearly every batch of live data
        return {first: multirange(row[0] for row in rows)}
    gpu_ids: dict[datetime, set[int]] = {}
    for row in rows:
        gpu_ids.setdefault(_minute(row[1]), set()).add(row[0])
    return {minute: multirange(found) for minute, found in gpu_ids.items()}


def multirange(numbers: Iterable[int]) -> str:
    """The numbers as the text of an int4multirange."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1]:
            ranges[-1][1] = number + 1
        else:
            ranges.append([number, number + 1])
    return f"{{{','.join(f'[{start},{end})' for start, end in ranges)}}}"


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)
