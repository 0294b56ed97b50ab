"""The scaling policy, by single decisions and by pipelines that are simulated against it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from workers.supervisor.policy import Limits, Plan, decide, first_plan, shorten
from workers.supervisor.readings import Observation
from workers.supervisor.scale import Scale

LIMITS = Limits((1, 10), (0, 0), 1_000_000)
STEP_S = 0.5
START_S = 2.0


@dataclass
class Simulation:
    """A pipeline: `arrives` and `capacity` (by collectors) are records per second.

    Processes become live some seconds after they were decided on, and rates lag behind, as those
    of real members do.
    """

    arrives: Callable[[float], float]
    capacity: Callable[[int], float]
    limits: Limits = LIMITS
    backlog: float = 0.0
    at: float = 0.0
    series: list[Observation] = field(default_factory=list)
    targets: list[tuple[float, int]] = field(default_factory=list)
    advice: tuple[str, ...] = ()
    reasons: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = first_plan(self.limits)
        self._rates: list[tuple[float, float]] = []

    def run(self, seconds: float) -> "Simulation":
        end = self.at + seconds
        while self.at < end:
            self._move()
            decision = decide(self.series, self.limits, self.plan)
            if decision.collectors != self.plan.collectors.target:
                self.targets.append((self.at, decision.collectors))
                self.reasons.append(decision.reason)
            self.plan, self.advice = decision.plan, decision.advice
        return self

    def _move(self) -> None:
        self.at += STEP_S
        live = self._live()
        arrived = self.arrives(self.at) * STEP_S
        stored = min(self.backlog + arrived, self.capacity(live) * STEP_S)
        self.backlog += arrived - stored
        self._rates = [*self._rates, (arrived / STEP_S, stored / STEP_S)][-12:]
        published, per_s = (sum(r[i] for r in self._rates) / len(self._rates) for i in (0, 1))
        self.series.append(Observation(self.at, int(self.backlog), per_s, published, live, 0))
        shorten(self.series)

    def _live(self) -> int:
        """What was decided some seconds ago; stopping takes no time."""
        started = [n for at, n in self.targets if at <= self.at - START_S]
        before = started[-1] if started else self.limits.collectors[0]
        return min(before, self.plan.collectors.target)

    def changes(self, since: float = 0.0) -> list[int]:
        return [target for at, target in self.targets if at >= since]


def burst(records: int, per_s: float) -> Callable[[float], float]:
    return lambda at: per_s if at <= records / per_s else 0.0


def linear(each: float, most: float = float("inf")) -> Callable[[int], float]:
    return lambda collectors: min(each * collectors, most)


@pytest.mark.parametrize("published_per_s", [25_000, 40_000, 100_000, 500_000])
def test_a_burst_scales_up_within_five_seconds(published_per_s):
    simulation = Simulation(burst(500_000, published_per_s), linear(15_000)).run(5)
    assert simulation.changes()[:1] == [2]


@pytest.mark.parametrize("each", [2_000, 10_000, 20_000])
def test_after_a_burst_one_is_left_within_a_minute_of_the_drain(each):
    simulation = Simulation(burst(500_000, 40_000), linear(each))
    while simulation.at < 5 or simulation.backlog:
        simulation.run(1)
    simulation.run(60)
    assert simulation.plan.collectors.target == 1
    assert simulation.run(600).changes()[-1] == 1


def test_scaling_down_takes_one_at_a_time():
    simulation = Simulation(burst(1_000_000, 50_000), linear(2_000)).run(600)
    targets = simulation.changes()
    top = targets.index(10)
    assert targets[: top + 1] == [2, 4, 8, 10]
    assert targets[top + 1 :] == [9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_a_trickle_changes_nothing():
    assert Simulation(lambda _: 500.0, linear(20_000)).run(3600).changes() == []


def test_a_backlog_that_is_soon_gone_changes_nothing():
    simulation = Simulation(lambda _: 0.0, linear(20_000), backlog=60_000).run(60)
    assert simulation.changes() == []


@pytest.mark.parametrize("arrives", [25_000, 39_000, 41_000, 70_000, 95_000])
def test_a_steady_load_finds_its_number_and_stays_there(arrives):
    simulation = Simulation(lambda _: float(arrives), linear(20_000)).run(600)
    needed = -(-arrives // 20_000)
    assert simulation.plan.collectors.target >= needed
    assert simulation.changes(since=300) == []


@pytest.mark.parametrize("period_s", [4, 10, 30])
def test_a_load_that_swings_does_not_make_it_flap(period_s):
    def arrives(at: float) -> float:
        return 45_000.0 if at % period_s < period_s / 2 else 5_000.0

    simulation = Simulation(arrives, linear(20_000)).run(1200)
    assert len(simulation.changes(since=120)) <= 8


def test_more_collectors_that_store_no_more_are_taken_back_and_said_so():
    simulation = Simulation(lambda _: 60_000.0, linear(20_000, most=40_000)).run(60)
    assert simulation.changes() == [2, 4, 3, 2]
    assert "More than 2 collectors store no more" in simulation.advice[0]
    assert "more than 2 store no more" in simulation.reasons[-1]


def test_what_did_not_help_is_not_tried_again_for_minutes():
    simulation = Simulation(lambda _: 60_000.0, linear(20_000, most=40_000)).run(1500)
    ups = [target for target in simulation.changes() if target == 4]
    assert 2 <= len(ups) <= 5


def test_contention_that_makes_more_collectors_slower_brings_them_back_to_what_was_best():
    def two_cores(collectors: int) -> float:
        return {1: 20_000.0, 2: 30_000.0}.get(collectors, 30_000.0 - 1_000 * collectors)

    simulation = Simulation(burst(3_000_000, 100_000), two_cores).run(80)
    assert simulation.plan.collectors.target == 2


def test_at_the_most_that_may_run_it_advises_to_allow_more():
    limits = Limits((1, 4), (0, 0), 100_000_000)
    simulation = Simulation(lambda _: 1e6, linear(20_000), limits).run(30)
    assert simulation.plan.collectors.target == 4
    assert "raise --collectors" in simulation.advice[0]


def test_a_fixed_number_is_never_changed():
    limits = Limits((3, 3), (0, 0), 1_000_000)
    assert Simulation(burst(500_000, 50_000), linear(2_000), limits).run(600).changes() == []


def test_a_target_outside_new_limits_is_moved_inside():
    plan = Plan(Scale(9), Scale(0))
    quiet = [Observation(0.0, 0, 0.0, 0.0, 9, 0)]
    decision = decide(quiet, Limits((1, 4), (0, 0), 1_000_000), plan)
    assert decision.collectors == 4
    assert decision.reason == "collectors 9 → 4: the limits"


def test_without_a_live_collector_it_says_so():
    decision = decide([Observation(0.0, 5, 0.0, 0.0, 0, 0)], LIMITS, first_plan(LIMITS))
    assert decision.advice == ("No collector is live: see their logs.",)


# --- Streamers -----------------------------------------------------------------------------------

WITH_SOURCES = Limits((1, 1), (1, 4), 100_000)


def streamed(per_s: Callable[[int], float], seconds: float, backlog: int = 0) -> list[int]:
    """Targets of the streamers in turn, when so many publish `per_s`."""
    plan, series, targets = first_plan(WITH_SOURCES), [], []
    for tick in range(int(seconds / STEP_S)):
        count = plan.streamers.target
        series.append(Observation(tick * STEP_S, backlog, 0.0, per_s(count), 1, count))
        shorten(series)
        plan = decide(series, WITH_SOURCES, plan).plan
        if plan.streamers.target != count:
            targets.append(plan.streamers.target)
    return targets


def test_streamers_are_added_while_that_makes_more_arrive():
    assert streamed(lambda count: 5_000.0 * count, 200) == [2, 3, 4]


def test_a_streamer_that_adds_nothing_is_taken_back():
    assert streamed(lambda _: 5_000.0, 200) == [2, 1]


def test_no_streamer_is_added_while_publishers_are_held_back_or_there_is_nothing_to_read():
    assert streamed(lambda count: 5_000.0 * count, 200, backlog=60_000) == []
    assert streamed(lambda _: 0.0, 200) == []


@pytest.mark.parametrize(
    ("backlog", "per_s", "why"),
    [(60_000, 9_000.0, "the queue is full"), (0, 0.0, "nothing to read")],
)
def test_streamers_leave_when_the_queue_is_full_or_nothing_is_left(backlog, per_s, why):
    series = [Observation(t / 2, backlog, 0.0, per_s, 1, 3) for t in range(70)]
    decision = decide(series, WITH_SOURCES, Plan(Scale(1), Scale(3)))
    assert decision.streamers == 2
    assert why in decision.reason
