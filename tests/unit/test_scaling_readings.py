"""What a series of observations says of the pipeline."""

import pytest

from workers.supervisor.readings import (
    Observation,
    backlog_slope,
    falls_behind,
    holds_for,
    is_busy,
    is_quiet,
    seconds_to_drain,
)


def series(*backlogs: int, stored: float = 0.0, published: float = 0.0) -> list[Observation]:
    return [
        Observation(float(at), backlog, stored, published, 1, 1)
        for at, backlog in enumerate(backlogs)
    ]


@pytest.mark.parametrize(
    ("backlogs", "seconds"),
    [
        ([0], 0.0),
        ([500, 400, 300, 0], 0.0),
        ([1000], None),
        ([1000, 1000], None),
        ([1000, 2000], None),
        ([4000, 3000, 2000, 1000], 1.0),
        ([100, 100, 90], 18.0),
    ],
)
def test_the_time_to_drain_follows_the_slope(backlogs, seconds):
    assert seconds_to_drain(series(*backlogs)) == seconds


def test_the_slope_forgets_what_is_older_than_its_window():
    assert backlog_slope(series(9_999_999, 0, 100, 200, 300)) == 100


@pytest.mark.parametrize(
    ("backlog", "stored", "busy"),
    [(9_999, 0, False), (10_000, 0, True), (30_000, 40_000, False), (40_000, 40_000, True)],
)
def test_it_is_busy_from_a_second_s_work_on(backlog, stored, busy):
    assert is_busy(series(backlog, stored=stored)[0]) is busy


def test_what_eight_collectors_have_in_hand_does_not_make_it_busy():
    assert not is_busy(Observation(0.0, 79_999, 0.0, 0.0, 8, 0))
    assert is_busy(Observation(0.0, 80_000, 0.0, 0.0, 8, 0))


@pytest.mark.parametrize(
    ("backlog", "published", "quiet"),
    [(2_000, 0, True), (2_001, 0, False), (20_000, 40_000, True), (20_001, 40_000, False)],
)
def test_it_is_quiet_when_only_what_is_under_way_waits(backlog, published, quiet):
    assert is_quiet(series(backlog, published=published)[0]) is quiet


@pytest.mark.parametrize(
    ("backlogs", "behind"),
    [
        ([100_000], True),
        ([100_000, 100_000], True),
        ([100_000, 95_000], True),
        ([100_000, 80_000], False),
        ([5_000, 9_000], False),
    ],
)
def test_collectors_fall_behind_when_much_waits_and_will_not_be_gone_soon(backlogs, behind):
    assert falls_behind(series(*backlogs)) is behind


def test_a_condition_does_not_hold_for_longer_than_was_seen():
    seen = series(0, 0, 0)
    assert holds_for(seen, 2, is_quiet)
    assert not holds_for(seen, 3, is_quiet)
    assert not holds_for(series(50_000, 0, 0), 2, is_quiet)
    assert holds_for(series(50_000, 0, 0), 1, is_quiet)
