"""Which table answers which part of a window."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from apps.telemetry.queries.segments import Edges, Reach, Segment, segments
from apps.telemetry.rollups.levels import HOUR, MINUTE

DAY = datetime(2026, 1, 5, tzinfo=UTC)


def at(hour, minute=0, second=0):
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


EDGES = Edges(Reach(at(10, 30)), Reach(at(10)))
STALE = Edges(Reach(at(10, 30), (at(5, 10), at(5, 11))), Reach(at(10), (at(5), at(6))))
STEPS = [MINUTE.step, HOUR.step]


def test_without_roll_ups_samples_answer_everything():
    assert segments(HOUR.step, at(1), None, Edges()) == [Segment(None, at(1), None)]


def test_hours_then_minutes_then_samples():
    assert segments(HOUR.step, None, None, EDGES) == [
        Segment(HOUR, None, at(10)),
        Segment(MINUTE, at(10), at(10, 30)),
        Segment(None, at(10, 30), None),
    ]


def test_minutes_are_never_made_of_hours():
    assert segments(MINUTE.step, None, None, EDGES) == [
        Segment(MINUTE, None, at(10, 30)),
        Segment(None, at(10, 30), None),
    ]


def test_cut_buckets_are_made_of_what_is_finer():
    found = segments(HOUR.step, at(1, 15, 20), at(4, 30, 40), EDGES)
    assert found == [
        Segment(None, at(1, 15, 20), at(1, 16)),
        Segment(MINUTE, at(1, 16), at(2)),
        Segment(HOUR, at(2), at(4)),
        Segment(MINUTE, at(4), at(4, 30)),
        Segment(None, at(4, 30), at(4, 30, 40) + timedelta.resolution),
    ]


def test_the_end_of_a_window_belongs_to_it():
    last = segments(MINUTE.step, at(1), at(2), EDGES)[-1]
    assert last == Segment(None, at(2), at(2) + timedelta.resolution)


@pytest.mark.parametrize("step", STEPS)
def test_a_window_may_begin_and_end_with_the_last_instant_there_is(step):
    last = datetime.max.replace(tzinfo=UTC)
    assert segments(step, at(1, 15, 20), last, EDGES)[-1].upper is None
    assert segments(step, last - timedelta(seconds=1), last, Edges())
    far = Edges(Reach(last), Reach(last))
    assert segments(step, last - timedelta(seconds=1), last, far)


def test_where_samples_are_gone_cut_buckets_are_whole():
    edges = Edges(STALE.minutes, STALE.hours, samples_from=DAY + timedelta(days=1))
    assert segments(HOUR.step, at(1, 15), at(4, 30), edges) == [Segment(HOUR, at(1), at(5))]
    assert segments(HOUR.step, at(4), at(7, 5), edges) == [Segment(HOUR, at(4), at(8))]


def test_only_what_was_touched_again_is_made_of_what_is_finer():
    assert segments(HOUR.step, at(2), at(8), STALE)[:-1] == [
        Segment(HOUR, at(2), at(5)),
        Segment(MINUTE, at(5), at(5, 10)),
        Segment(None, at(5, 10), at(5, 11)),
        Segment(MINUTE, at(5, 11), at(6)),
        Segment(HOUR, at(6), at(8)),
    ]


def test_an_empty_window_is_samples_that_there_are_none_of():
    end = at(4) + timedelta.resolution
    assert segments(HOUR.step, at(5), at(4), EDGES) == [Segment(None, at(5), end)]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("edges", [EDGES, STALE, Edges()])
@pytest.mark.parametrize("start", [None, at(0), at(0, 0, 1), at(9, 59, 59), at(10, 30), at(12)])
@pytest.mark.parametrize("end", [None, at(0, 0, 2), at(9, 59, 59), at(10), at(10, 30), at(13)])
def test_segments_follow_each_other_without_gap_or_overlap(step, start, end, edges):
    if start and end and start > end:
        return
    found = segments(step, start, end, edges)
    assert found[0].lower == start
    assert found[-1].upper == (end and end + timedelta.resolution)
    for one, next_one in pairwise(found):
        assert one.upper == next_one.lower
