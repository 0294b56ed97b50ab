"""When live sources are due."""

import pytest

from workers.live.ticks import MAX_BACKOFF_S, backoff_s, first_tick, next_tick, phase


def test_a_thousand_targets_are_spread_over_the_interval():
    slots = [0] * 10
    for number in range(1000):
        slots[int(10 * phase(f"http://node-{number}:9400/metrics"))] += 1
    assert min(slots) > 60
    assert max(slots) < 140


@pytest.mark.parametrize("now", [0.0, 12.3, 1e6])
def test_the_first_tick_is_within_an_interval(now):
    tick = first_tick("a", 10, now)
    assert now <= tick < now + 10


@pytest.mark.parametrize(
    ("now", "due", "missed"),
    [(5.0, 6.0, 0), (5.9, 6.0, 0), (6.0, 6.0, 0), (7.5, 8.0, 2), (4.0, 6.0, 0)]
)  # fmt: skip
def test_ticks_that_went_by_are_passed_over_and_counted(now, due, missed):
    assert next_tick(5.0, 1.0, now) == (due, missed)


def test_a_source_that_fails_again_and_again_is_asked_ever_less_up_to_a_bound():
    waits = [backoff_s(failures, 1.0) for failures in range(10)]
    assert waits[:5] == [0, 0, 1, 2, 4]
    assert waits[-1] + 1.0 == MAX_BACKOFF_S
    assert backoff_s(10_000, 0.1) + 0.1 == pytest.approx(MAX_BACKOFF_S)


def test_a_source_with_a_long_interval_is_not_left_alone_any_longer():
    assert backoff_s(100, 60.0) == 0
