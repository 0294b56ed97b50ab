"""The pace of a stream: how long to wait so that no more than so many records go per second."""

import math
import threading
import time
from collections.abc import Callable

# Records go in groups this far apart at most, so that a slow stream is smooth.
SMOOTH_S = 0.05
# How much lateness (a slow queue) may be made up for by going faster afterwards.
MAX_CREDIT_S = 0.5


class Pace:
    """Paces to `rate` records per second; None is as fast as possible."""

    def __init__(
        self,
        rate: float | None,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._stop = stop
        self._clock = clock
        self._next_at = -math.inf

    def group_size(self, limit: int) -> int:
        """How many records to send at once, at most `limit`."""
        if self._rate is None:
            return limit
        return max(1, min(limit, round(self._rate * SMOOTH_S)))

    def wait(self, records: int) -> bool:
        """Wait until `records` more may go; False if told to stop before that."""
        if self._rate is None:
            return True
        now = self._clock()
        self._next_at = max(self._next_at, now - MAX_CREDIT_S)
        if self._next_at > now and self._stop.wait(self._next_at - now):
            return False
        self._next_at += records / self._rate
        return not self._stop.is_set()
