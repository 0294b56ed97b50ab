"""What a series of observations says: how busy the pipeline is. Pure functions.

A series is in the order of time and its last observation is the present one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

SLOPE_S = 3.0
# Work waits when so much does for each collector, and more than a second's worth: a collector has a
# take of 8,000 in hand while the one before is acknowledged.
BUSY_BACKLOG = 10_000
BUSY_S = 1.0
# Far below what is busy, so that a backlog between the two changes nothing.
QUIET_BACKLOG = 2_000
QUIET_S = 0.5
# A backlog that is gone by then is not worth starting a process for.
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Observation:
    """The pipeline at one moment.

    `at` is monotonic seconds, `backlog` the messages that wait, the rates are records per second
    of all collectors and of all streamers, and the last two are how many of each are live.
    """

    at: float
    backlog: int
    stored_per_s: float
    published_per_s: float
    collectors: int
    streamers: int


Series = Sequence[Observation]


def backlog_slope(series: Series) -> float:
    """By how many messages per second the backlog has grown over the last seconds."""
    now = series[-1]
    then = next(one for one in series if one.at >= now.at - SLOPE_S)
    return (now.backlog - then.backlog) / (now.at - then.at) if now.at > then.at else 0.0


def seconds_to_drain(series: Series) -> float | None:
    """Until nothing waits, if it goes on like this; None when the backlog does not shrink."""
    if not series[-1].backlog:
        return 0.0
    slope = backlog_slope(series)
    return series[-1].backlog / -slope if slope < 0 else None


def is_busy(one: Observation) -> bool:
    """Whether so much waits that collectors never wait for work."""
    return one.backlog >= max(BUSY_BACKLOG * max(1, one.collectors), BUSY_S * one.stored_per_s)


def is_quiet(one: Observation) -> bool:
    """Whether no more waits than is always under way."""
    return one.backlog <= max(QUIET_BACKLOG, QUIET_S * one.published_per_s)


def falls_behind(series: Series) -> bool:
    """Whether so much waits that it will not be gone soon."""
    drain_s = seconds_to_drain(series)
    return is_busy(series[-1]) and (drain_s is None or drain_s > PATIENCE_S)


def holds_for(series: Series, seconds: float, condition: Callable[[Observation], bool]) -> bool:
    """Whether it held in every observation of the last `seconds`, which must have been seen."""
    since = series[-1].at - seconds
    return series[0].at <= since and all(condition(one) for one in series if one.at >= since)
