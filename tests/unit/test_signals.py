"""The graceful stop: one signal asks, the next one is not held back."""

import signal
import subprocess
import sys
import threading

import pytest

from workers.signals import STOP_SIGNALS, grace_period, graceful_stop


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_first_signal_sets_the_event(number):
    with graceful_stop() as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()


def test_the_old_handlers_come_back_with_the_first_signal():
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with graceful_stop():
        signal.raise_signal(signal.SIGTERM)
        assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_the_old_handlers_come_back_without_a_signal():
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with graceful_stop():
        pass
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_a_second_signal_kills():
    program = (
        "import signal\n"
        "from workers.signals import graceful_stop\n"
        "with graceful_stop():\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
    )
    process = subprocess.run([sys.executable, "-c", program], check=False)
    assert process.returncode == -signal.SIGTERM


def test_the_grace_period_is_over_some_time_after_the_stop_and_not_before():
    stop = threading.Event()
    over = grace_period(stop, 0.01)
    assert not over.wait(0.05)
    stop.set()
    assert over.wait(10)
