"""Deadlines grow when every server has failed in turn, and not before."""

from collections.abc import Iterable

import pytest

from apps.mq.etcd.patience import MAX_PATIENCE, Patience


def late(patience: Patience, addresses: Iterable[str]) -> None:
    """One call after the other misses its deadline, each at the next address."""
    for address in addresses:
        patience.failed(address, patience.factor, was_late=True)


def test_one_server_gets_twice_the_time_after_each_miss_up_to_a_limit():
    patience = Patience(["a"])
    factors = []
    for _ in range(4):
        late(patience, "a")
        factors.append(patience.factor)
    assert factors == [2.0, MAX_PATIENCE, MAX_PATIENCE, MAX_PATIENCE]


def test_the_next_server_gets_no_more_time_because_one_or_two_were_late():
    patience = Patience("abc")
    late(patience, "ab")
    assert patience.factor == 1.0
    late(patience, "c")
    assert patience.factor == 2.0
    late(patience, "ab")
    assert patience.factor == 2.0
    late(patience, "c")
    assert patience.factor == 4.0


def test_many_calls_that_miss_one_deadline_together_count_once():
    patience = Patience("ab")
    for address in "aaabbbab":
        patience.failed(address, 1.0, was_late=True)
    assert patience.factor == 2.0


def test_servers_that_cannot_be_reached_at_all_need_no_more_time():
    patience = Patience("abc")
    for address in "abcabc":
        patience.failed(address, 1.0, was_late=False)
    assert patience.factor == 1.0


@pytest.mark.parametrize("order", ["abc", "bca", "cab"])
def test_one_that_is_gone_among_slow_ones_does_not_keep_them_from_getting_more(order):
    patience = Patience("abc")
    for address in order:
        patience.failed(address, 1.0, was_late=address != "b")
    assert patience.factor == 2.0


def test_an_answer_starts_anew():
    patience = Patience("ab")
    late(patience, "abab")
    assert patience.factor == 4.0
    late(patience, "a")
    patience.answered()
    assert patience.factor == 1.0
    late(patience, "b")
    assert patience.factor == 1.0
