"""How the sending to one client goes: whether it takes anything, and how much it took.

Looked at now and then (apps/gateway/live/clients.py): a timer and a counter for each message would
cost as much as all else that Python does for it.
"""

import time

from apps.gateway.metrics.live import SENT

# Whoever does not take one message in this time is cut off.
STALL_S = 20.0


class Sending:
    """Of one client; `face` is what it came by."""

    def __init__(self, face: str) -> None:
        self._counter = SENT.labels(face)
        self._taken = 0
        self._begun_at: float | None = None

    def begin(self) -> None:
        """A message is on its way."""
        self._begun_at = time.monotonic()

    def end(self) -> None:
        """It was taken."""
        self._begun_at = None
        self._taken += 1

    @property
    def is_stuck(self) -> bool:
        """Whether the client has not taken its message for too long."""
        return self._begun_at is not None and time.monotonic() - self._begun_at > STALL_S

    def count(self) -> None:
        """Add what was taken to the metrics."""
        self._counter.inc(self._taken)
        self._taken = 0
