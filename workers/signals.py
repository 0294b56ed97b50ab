"""Graceful stop: the first SIGTERM or SIGINT sets an event, the second one kills."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def graceful_stop() -> Iterator[threading.Event]:
    """An event that the first SIGTERM or SIGINT sets; wait on it instead of sleeping.

    That signal also brings the old handlers back, so a second one ends the process as if this
    were not here; leaving the context brings them back as well. For the main thread only.
    """
    stop = threading.Event()
    previous: dict[signal.Signals, Any] = {}

    def restore() -> None:
        while previous:
            number, handler = previous.popitem()
            signal.signal(number, handler)

    def ask(_number: int, _frame: FrameType | None) -> None:
        restore()
        # In a thread: whoever is interrupted may hold the lock that setting an event takes.
        threading.Thread(target=stop.set, name="stop").start()

    for number in STOP_SIGNALS:
        previous[number] = signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()


def grace_period(stop: threading.Event, seconds: float) -> threading.Event:
    """An event that is set `seconds` after `stop` is: the end of the time to finish in order."""
    over = threading.Event()

    def watch() -> None:
        stop.wait()
        over.wait(seconds)
        over.set()

    threading.Thread(target=watch, name="grace period", daemon=True).start()
    return over
