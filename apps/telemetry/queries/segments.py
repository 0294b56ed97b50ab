"""Which table answers which part of a window: roll-ups where they are complete, samples elsewhere.

Pure. Windows are `lower` ≤ time < `upper`; None is without end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.telemetry.rollups.levels import HOUR, MINUTE, Level

LEVELS = (HOUR, MINUTE)
NEVER = datetime.min.replace(tzinfo=UTC)
EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Edges:
    """Up to when the roll-ups are what the samples amount to, and from when there are samples."""

    minutes: datetime = NEVER
    hours: datetime = NEVER
    samples_from: datetime = NEVER

    def of(self, level: Level) -> datetime:
        """The end of what the level's table can answer; where samples are gone, it has to."""
        return max(self.hours if level is HOUR else self.minutes, self.samples_from)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time, and the level that answers it; None is the samples."""

    level: Level | None
    lower: datetime | None
    upper: datetime | None


def segments(
    step: timedelta, start: datetime | None, end: datetime | None, edges: Edges
) -> list[Segment]:
    """The segments of `start` ≤ time ≤ `end`, oldest first, for buckets of `step`.

    A bucket that the window cuts is made of what is finer, down to the samples. Where these are
    gone it is answered whole.
    """
    levels = [level for level in LEVELS if level.step <= step]
    upper = None if end is None else end + timedelta.resolution
    return _cover(levels, start, upper, edges) or [Segment(None, start, upper)]


def _cover(
    levels: Sequence[Level], lower: datetime | None, upper: datetime | None, edges: Edges
) -> list[Segment]:
    if (lower or NEVER) >= (upper or EVER):
        return []
    if not levels:
        return [Segment(None, lower, upper)]
    level, finer = levels[0], levels[1:]
    first = None if lower is None else _first_bucket(level, lower, edges)
    last = _last_bucket(level, upper, edges)
    if last <= (first or NEVER):
        return _cover(finer, lower, upper, edges)
    return [
        *(_cover(finer, lower, first, edges) if first is not None else []),
        Segment(level, first, last),
        *_cover(finer, last, upper, edges),
    ]


def _first_bucket(level: Level, lower: datetime, edges: Edges) -> datetime:
    """The start of the first bucket that lies wholly in the window."""
    start = level.start_of(lower)
    return start if start == lower or lower < edges.samples_from else start + level.step


def _last_bucket(level: Level, upper: datetime | None, edges: Edges) -> datetime:
    """The end of the last bucket that lies wholly in the window and is complete."""
    edge = edges.of(level)
    if upper is None or upper >= edge:
        return level.start_of(edge) if edge > NEVER else edge
    end = level.start_of(upper)
    return end if end == upper or upper > edges.samples_from else end + level.step
