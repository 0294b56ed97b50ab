"""Replaying: the spacing of the file, faster or slower, pass after pass."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from workers.sources.draft import Draft
from workers.streamer.replay import DEFAULT_SPACING, Replay

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def replay(speed: float) -> Replay:
    return Replay(speed, threading.Event(), lambda: NOW)


@pytest.mark.parametrize("speed", [0.5, 1.0, 10.0])
def test_spacings_are_those_of_the_file_divided_by_the_speed(speed):
    one = replay(speed)
    due = [one.due(FIRST + n * SECOND) for n in (0, 1, 3, 10)]
    assert due[0] == NOW
    assert [after - before for before, after in pairwise(due)] == [
        n * SECOND / speed for n in (1, 2, 7)
    ]


def test_an_instant_that_comes_again_is_due_at_the_same_time():
    one = replay(1.0)
    assert [one.due(FIRST + n * SECOND) for n in (0, 5, 0, 5)] == [
        NOW + n * SECOND for n in (0, 5, 0, 5)
    ]


def test_the_next_pass_begins_one_spacing_after_the_last_instant():
    one = replay(1.0)
    first = [one.due(FIRST + 3 * n * SECOND) for n in range(4)]
    one.new_pass()
    assert one.due(FIRST) == first[-1] + 3 * SECOND


def test_a_file_of_one_instant_is_replayed_every_second():
    one = replay(1.0)
    one.due(FIRST)
    one.new_pass()
    assert one.due(FIRST) == NOW + DEFAULT_SPACING


def test_a_pass_that_begins_late_begins_now():
    times = iter([NOW, NOW + 60 * SECOND])
    one = Replay(1.0, threading.Event(), lambda: next(times))
    one.due(FIRST)
    one.new_pass()
    assert one.due(FIRST) == NOW + 60 * SECOND


def test_what_is_due_already_is_not_waited_for_and_a_stop_ends_the_waiting():
    stop = threading.Event()
    one = Replay(1.0, stop, lambda: NOW)
    assert one.wait(FIRST)
    assert one.wait(FIRST - 3600 * SECOND)
    stop.set()
    assert not one.wait(FIRST + 3600 * SECOND)


def test_as_a_restamp_it_puts_the_due_time_into_the_message():
    one = replay(2.0)
    stamped = [one.apply(Draft(FIRST + n * SECOND, "h", "0", b"}")) for n in (0, 1)]
    assert [draft.timestamp for draft in stamped] == [NOW, NOW + SECOND / 2]
