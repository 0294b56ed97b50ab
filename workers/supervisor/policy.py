"""How many collectors and streamers there shall be: a pure function of what was observed.

Up fast: as soon as the collectors fall behind, their number is doubled, and again when the step
before has had time to show its worth. Down slowly: one at a time, when nothing waits and those that
stay are known to manage. docs/elasticity.md explains the rules and docs/adr/0008 the reasons.
"""

from collections.abc import Callable
from dataclasses import dataclass

from workers.supervisor.readings import (
    Observation,
    Series,
    falls_behind,
    holds_for,
    is_busy,
    is_quiet,
    seconds_to_drain,
)
from workers.supervisor.scale import Scale

# One look may mislead, so it takes two: they are half a second apart.
UP_AFTER_S = 0.4
# Rates are measured over 6 s: when all have been live for so long, a step can be judged.
SETTLE_S = 7.0
# A step that cannot be judged by then (its processes do not start) is taken as it is.
UNJUDGED_S = 20.0
QUIET_AFTER_S = 5.0
DOWN_EVERY_S = 3.0
COOL_DOWN_S = 10.0
# The load must have been low for so long: one that swings faster is taken at its highest.
PEAK_S = 20.0
# Streamers that publish nothing for so long have nothing to read.
IDLE_AFTER_S = 30.0
# How much of a series is looked at, at most.
HISTORY_S = IDLE_AFTER_S + 2
# From this share of the queue's room on publishers are held back (apps/mq/backpressure.py).
HELD_BACK_SHARE = 0.5

Range = tuple[int, int]


@dataclass(frozen=True)
class Limits:
    """The fewest and the most of each role, and how many messages the queue may hold."""

    collectors: Range
    streamers: Range
    max_depth: int


@dataclass(frozen=True)
class Plan:
    """What is to be; it goes back into the next decision."""

    collectors: Scale
    streamers: Scale


@dataclass(frozen=True)
class Decision:
    """`reason` is one sentence for each role that changes, empty when nothing does."""

    plan: Plan
    reason: str
    advice: tuple[str, ...]

    @property
    def collectors(self) -> int:
        """How many there shall be."""
        return self.plan.collectors.target

    @property
    def streamers(self) -> int:
        """How many there shall be."""
        return self.plan.streamers.target


Step = tuple[Scale, str]


def first_plan(limits: Limits) -> Plan:
    """The fewest of each."""
    return Plan(Scale(limits.collectors[0]), Scale(limits.streamers[0]))


def decide(series: Series, limits: Limits, plan: Plan) -> Decision:
    """The next plan, by a series of at least one observation."""
    at = series[-1].at
    before = Plan(
        plan.collectors.forget(at).within(*limits.collectors),
        plan.streamers.forget(at).within(*limits.streamers),
    )
    collectors, why_collectors = _collectors(series, limits, before.collectors)
    streamers, why_streamers = _streamers(series, limits, before.streamers)
    reasons = [
        f"{role} {was} → {scale.target}: {why}"
        for role, was, scale, why in (
            ("collectors", plan.collectors.target, collectors, why_collectors),
            ("streamers", plan.streamers.target, streamers, why_streamers),
        )
        if scale.target != was
    ]
    after = Plan(collectors, streamers)
    return Decision(after, "; ".join(reasons), _advice(series, limits, after))


def _collectors(series: Series, limits: Limits, scale: Scale) -> Step:
    now = series[-1]
    highest = scale.highest(limits.collectors[1])
    if _settled(series, scale, lambda one: is_busy(one) and one.collectors >= scale.target):
        scale = scale.learn(now.stored_per_s, now.at)
        highest = scale.highest(limits.collectors[1])
    behind = falls_behind(series) and holds_for(series, UP_AFTER_S, is_busy)
    if behind and _may_go_up(series, scale, highest):
        known = scale.at_least(now.stored_per_s, now.at)
        return known.up(min(2 * scale.target, highest), now.at), _why_up(series)
    if not _may_go_down(series, scale, limits.collectors[0]):
        return scale, "the limits"
    if scale.target > highest:
        return scale.down(now.at), f"more than {highest} store no more"
    if holds_for(series, QUIET_AFTER_S, is_quiet) and scale.one_less_manages(_peak(series)):
        return scale.down(now.at), f"little waits ({now.backlog} messages)"
    return scale, "the limits"


def _streamers(series: Series, limits: Limits, scale: Scale) -> Step:
    """More of them while that makes more records arrive and the collectors keep up."""
    now = series[-1]
    lowest, highest = limits.streamers

    def held_back(one: Observation) -> bool:
        return one.backlog >= HELD_BACK_SHARE * limits.max_depth

    def works_freely(one: Observation) -> bool:
        enough_there = one.streamers >= scale.target
        return enough_there and one.published_per_s > 0 and not is_busy(one)

    if _settled(series, scale, works_freely):
        scale = scale.learn(now.published_per_s, now.at)
        if _may_go_up(series, scale, scale.highest(highest)):
            return scale.up(scale.target + 1, now.at), "the collectors keep up"
    if not _may_go_down(series, scale, lowest):
        return scale, "the limits"
    if scale.target > scale.highest(highest):
        return scale.down(now.at), f"more than {scale.ceiling} publish no more"
    if holds_for(series, QUIET_AFTER_S, held_back):
        return scale.down(now.at), f"the queue is full ({now.backlog} messages)"
    if holds_for(series, IDLE_AFTER_S, lambda one: one.published_per_s == 0):
        return scale.down(now.at), "there is nothing to read"
    return scale, "the limits"


def _settled(series: Series, scale: Scale, condition: Callable[[Observation], bool]) -> bool:
    """Whether the present number has worked undisturbed for long enough to be measured."""
    changed_at = max(scale.up_at, scale.down_at)
    return series[-1].at - changed_at >= SETTLE_S and holds_for(series, SETTLE_S, condition)


def _peak(series: Series) -> float:
    """The most that was published per second lately."""
    since = series[-1].at - PEAK_S
    return max(one.published_per_s for one in series if one.at >= since)


def _may_go_up(series: Series, scale: Scale, highest: int) -> bool:
    judged = scale.came_from is None or series[-1].at - scale.up_at >= UNJUDGED_S
    return judged and 0 < scale.target < highest


def _may_go_down(series: Series, scale: Scale, lowest: int) -> bool:
    at = series[-1].at
    rested = at - scale.up_at >= COOL_DOWN_S and at - scale.down_at >= DOWN_EVERY_S
    return rested and scale.target > lowest


def _why_up(series: Series) -> str:
    drain_s = seconds_to_drain(series)
    outlook = "and do not get fewer" if drain_s is None else f"for another {drain_s:.0f} s"
    return f"{series[-1].backlog} messages wait {outlook}"


def _advice(series: Series, limits: Limits, plan: Plan) -> tuple[str, ...]:
    """What a person can do where no number of processes helps."""
    found = []
    scale = plan.collectors
    if scale.ceiling is not None:
        found.append(
            f"More than {scale.ceiling} collectors store no more: PostgreSQL, etcd or the cores of"
            " this machine are the limit, not the collectors."
        )
    elif scale.target == limits.collectors[1] and falls_behind(series):
        found.append(
            f"All {scale.target} collectors fall behind: raise --collectors or add a machine."
        )
    if series[-1].backlog >= HELD_BACK_SHARE * limits.max_depth:
        found.append(
            f"Publishers are held back: {series[-1].backlog} of at most {limits.max_depth} messages"
            " wait (QUEUE_MAX_DEPTH)."
        )
    if not series[-1].collectors:
        found.append("No collector is live: see their logs.")
    return tuple(found)


def shorten(series: list[Observation]) -> None:
    """Forget observations that no decision looks at any more."""
    oldest = series[-1].at - HISTORY_S
    while series[0].at < oldest:
        del series[0]
