"""Which table answers which part of a window: roll-ups where they are exact, samples elsewhere.

Pure. Windows are `lower` ≤ time < `upper`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.telemetry.rollups.levels import HOUR, MINUTE, Level

LEVELS = (HOUR, MINUTE)
NEVER = datetime.min.replace(tzinfo=UTC)
EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reach:
    """A level's table is complete before `until`, but for what was touched since in `stale`."""

    until: datetime = NEVER
    stale: tuple[datetime, datetime] = (EVER, EVER)


@dataclass(frozen=True, slots=True)
class Edges:
    """How far roll-ups can be relied on, and from when there are samples."""

    minutes: Reach = Reach()
    hours: Reach = Reach()
    samples_from: datetime = NEVER

    def of(self, level: Level) -> Reach:
        """What the level's table answers; where samples are gone, it has to."""
        reach = self.hours if level is HOUR else self.minutes
        first, last = reach.stale
        gone = self.samples_from
        return Reach(max(reach.until, gone), (max(first, gone), max(last, gone)))


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time, and the level that answers it; None is the samples.

    A bound that is None is no bound.
    """

    level: Level | None
    lower: datetime | None
    upper: datetime | None

    @property
    def shape(self) -> "Segment":
        """The same at no time in particular: which statement answers it depends on no more."""
        return Segment(self.level, self.lower and NEVER, self.upper and EVER)


def segments(
    step: timedelta, start: datetime | None, end: datetime | None, edges: Edges
) -> list[Segment]:
    """The segments of `start` ≤ time ≤ `end`, oldest first, for buckets of `step`.

    A bucket that the window cuts is made of what is finer, down to the samples. Where these are
    gone it is answered whole.
    """
    levels = [level for level in LEVELS if level.step <= step]
    lower, upper = start or NEVER, EVER if end is None else _after(end, timedelta.resolution)
    return _cover(levels, lower, upper, edges) or [_segment(None, lower, upper)]


def _cover(
    levels: Sequence[Level], lower: datetime, upper: datetime, edges: Edges
) -> list[Segment]:
    if lower >= upper:
        return []
    if not levels:
        return [_segment(None, lower, upper)]
    first_stale, last_stale = edges.of(levels[0]).stale
    return [
        *_fresh(levels, lower, min(upper, first_stale), edges),
        *_cover(levels[1:], max(lower, first_stale), min(upper, last_stale), edges),
        *_fresh(levels, max(lower, last_stale), upper, edges),
    ]


def _fresh(
    levels: Sequence[Level], lower: datetime, upper: datetime, edges: Edges
) -> list[Segment]:
    """Of a stretch in which nothing is stale: whole buckets by their table, the rest by finer."""
    if lower >= upper:
        return []
    level, finer = levels[0], levels[1:]
    first, last = _first_bucket(level, lower, edges), _last_bucket(level, upper, edges)
    if last <= first:
        return _cover(finer, lower, upper, edges)
    return [
        *_cover(finer, lower, first, edges),
        _segment(level, first, last),
        *_cover(finer, last, upper, edges),
    ]


def _segment(level: Level | None, lower: datetime, upper: datetime) -> Segment:
    return Segment(level, None if lower == NEVER else lower, None if upper == EVER else upper)


def _first_bucket(level: Level, lower: datetime, edges: Edges) -> datetime:
    """The start of the first bucket that lies wholly in the stretch."""
    start = level.start_of(lower)
    return start if start == lower or lower < edges.samples_from else _after(start, level.step)


def _last_bucket(level: Level, upper: datetime, edges: Edges) -> datetime:
    """The end of the last bucket that lies wholly in the stretch and is complete."""
    until = edges.of(level).until
    if upper >= until:
        return level.start_of(until)
    end = level.start_of(upper)
    return end if end == upper or upper > edges.samples_from else _after(end, level.step)


def _after(at: datetime, step: timedelta) -> datetime:
    """The instant that much later; EVER at the end of the year 9999."""
    return at + step if at <= EVER - step else EVER
