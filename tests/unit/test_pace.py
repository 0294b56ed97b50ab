"""The pace of a stream, with a clock and an event that know what was waited for."""

import threading

import pytest

from workers.streamer.pace import MAX_CREDIT_S, SMOOTH_S, Pace


class Clock(threading.Event):
    """A clock that waiting moves; as an event it is set after `stop_at` seconds."""

    def __init__(self, stop_at=float("inf")):
        super().__init__()
        self.now = 0.0
        self.stop_at = stop_at

    def __call__(self):
        return self.now

    def wait(self, timeout=None):
        self.now = min(self.now + timeout, max(self.now, self.stop_at))
        return self.is_set()

    def is_set(self):
        return self.now >= self.stop_at


def test_without_a_rate_nothing_waits():
    clock = Clock()
    pace = Pace(None, clock, clock)
    assert pace.group_size(1000) == 1000
    assert pace.wait(1000)
    assert clock.now == 0


@pytest.mark.parametrize("rate", [0.5, 10, 128, 5000])
def test_the_rate_is_kept_over_time_and_smooth(rate):
    clock = Clock()
    pace = Pace(rate, clock, clock)
    size = pace.group_size(1000)
    sent = 0
    gaps = []
    while clock.now < 100:
        before = clock.now
        assert pace.wait(size)
        gaps.append(clock.now - before)
        sent += size
    assert sent == pytest.approx(rate * (clock.now + MAX_CREDIT_S), rel=0.05)
    assert max(gaps) <= max(1.5 * SMOOTH_S, 1 / rate) + 1e-9


def test_a_group_is_never_larger_than_the_batch_size():
    assert Pace(1e6, threading.Event()).group_size(100) == 100
    assert Pace(0.1, threading.Event()).group_size(100) == 1


def test_lateness_is_made_up_for_only_in_part():
    clock = Clock()
    pace = Pace(100, clock, clock)
    pace.wait(1)
    clock.now = 1000.0
    sent_at_once = 0
    while clock.now == 1000.0:
        pace.wait(1)
        sent_at_once += 1
    assert sent_at_once <= 100 * MAX_CREDIT_S + 2


def test_a_stop_ends_the_wait():
    clock = Clock(stop_at=0.2)
    pace = Pace(1, clock, clock)
    assert pace.wait(1)
    assert not pace.wait(1)
    assert clock.now == 0.2


def test_nothing_more_goes_once_stopped():
    stop = threading.Event()
    stop.set()
    assert not Pace(1000, stop).wait(1)
