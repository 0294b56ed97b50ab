"""Supervisors share a target without talking about it."""

import itertools

import pytest

from workers.supervisor.sharing import decider, shares, total

A, B, C = "node-1-77-aa", "node-2-12-bb", "node-3-4-cc"


@pytest.mark.parametrize("target", range(2, 25))
@pytest.mark.parametrize("ranges", [{A: (1, 10), B: (1, 10)}, {A: (1, 2), B: (1, 10)}])
def test_the_shares_add_up_to_the_target_within_every_limit(target, ranges):
    dealt = shares(target, ranges)
    low, high = total(ranges)
    assert sum(dealt.values()) == min(max(target, low), high)
    assert all(low <= dealt[name] <= high for name, (low, high) in ranges.items())


def test_equal_machines_differ_by_one_at_most():
    ranges = dict.fromkeys((A, B, C), (1, 10))
    for target in range(3, 31):
        dealt = shares(target, ranges).values()
        assert max(dealt) - min(dealt) <= 1


def test_the_order_in_which_supervisors_are_seen_changes_nothing():
    ranges = {A: (1, 4), B: (2, 10), C: (1, 10)}
    seen = [dict(order) for order in itertools.permutations(ranges.items())]
    assert len({decider(one) for one in seen}) == 1
    for target in range(30):
        assert all(shares(target, one) == shares(target, ranges) for one in seen)


def test_the_one_that_decides_takes_the_first_more():
    ranges = dict.fromkeys((A, B, C), (1, 10))
    assert shares(4, ranges)[decider(ranges)] == 2


def test_a_machine_alone_runs_all():
    assert shares(7, {A: (1, 10)}) == {A: 7}


def test_when_one_leaves_the_others_keep_at_least_what_they_had():
    ranges = dict.fromkeys((A, B, C), (1, 10))
    for target, gone in itertools.product(range(3, 20), ranges):
        before = shares(target, ranges)
        after = shares(target, {name: r for name, r in ranges.items() if name != gone})
        assert all(after[name] >= before[name] for name in after)
