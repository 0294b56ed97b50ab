"""When a live source is due: spread over the interval by its name, later when it fails. Pure."""

import hashlib
import math

MAX_BACKOFF_S = 10.0
MAX_DOUBLINGS = 20


def phase(name: str) -> float:
    """A number in [0, 1) that follows from the name alone, on every machine."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def first_tick(name: str, interval_s: float, now: float) -> float:
    """The first time from `now` on that is this name's."""
    offset = phase(name) * interval_s
    return math.ceil((now - offset) / interval_s) * interval_s + offset


def next_tick(due: float, interval_s: float, now: float) -> tuple[float, int]:
    """The first tick after `due` that is not in the past, and how many before it are missed."""
    missed = max(0, math.ceil((now - due) / interval_s) - 1)
    return due + (missed + 1) * interval_s, missed


def backoff_s(failures: int, interval_s: float) -> float:
    """How long a source that failed so often in a row is left alone beyond its next tick.

    A host that swallows packets holds a thread for a whole timeout, so it must not be asked at
    every tick; MAX_BACKOFF_S bounds how late its return is noticed.
    """
    if failures < 2:
        return 0.0
    wait_s = interval_s * 2.0 ** min(failures - 2, MAX_DOUBLINGS)
    return max(0.0, min(wait_s, MAX_BACKOFF_S - interval_s))
