"""Restamping: one new time per original instant, always forward."""

from datetime import UTC, datetime, timedelta

from workers.restamp import REMEMBERED_INSTANTS, TICK, Restamp
from workers.sources.draft import Draft

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)
FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def stamp(restamp, original):
    return restamp.apply(Draft(original, "h", "0", b',"uuid":"GPU-1"}')).timestamp


def test_records_of_one_instant_get_one_time():
    restamp = Restamp(iter([NOW, NOW + timedelta(seconds=1)]).__next__)
    assert stamp(restamp, FIRST) == stamp(restamp, FIRST) == NOW


def test_the_time_is_that_of_the_first_appearance():
    restamp = Restamp(iter([NOW, NOW + timedelta(seconds=3)]).__next__)
    assert stamp(restamp, FIRST) == NOW
    assert stamp(restamp, FIRST + TICK) == NOW + timedelta(seconds=3)
    assert stamp(restamp, FIRST) == NOW


def test_a_clock_that_stands_still_still_gives_increasing_times():
    restamp = Restamp(lambda: NOW)
    times = [stamp(restamp, FIRST + timedelta(seconds=n)) for n in range(5)]
    assert times == [NOW + n * TICK for n in range(5)]


def test_a_clock_that_goes_back_still_gives_increasing_times():
    restamp = Restamp(iter([NOW, NOW - timedelta(hours=1)]).__next__)
    assert stamp(restamp, FIRST) < stamp(restamp, FIRST + TICK)


def test_a_new_pass_gives_the_same_instants_later_times():
    restamp = Restamp(lambda: NOW)
    first = stamp(restamp, FIRST)
    restamp.new_pass()
    assert stamp(restamp, FIRST) > first


def test_memory_is_bounded_and_the_most_recently_used_instants_stay():
    restamp = Restamp(lambda: NOW)
    kept, dropped = FIRST - 2 * TICK, FIRST - TICK
    kept_time, dropped_time = stamp(restamp, kept), stamp(restamp, dropped)
    for n in range(REMEMBERED_INSTANTS - 1):
        stamp(restamp, FIRST + n * TICK)
        if n == 0:
            stamp(restamp, kept)
    assert stamp(restamp, kept) == kept_time
    assert stamp(restamp, dropped) > dropped_time
