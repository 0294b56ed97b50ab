"""So many per second of each sender, a second's worth at once: the generic cell rate algorithm.

One number per sender, in this process alone. A list of times per sender in a cache, as Django
REST framework has it, costs more than the requests that it limits.
"""

import time

# Beyond so many senders those that have been quiet are forgotten.
SENDERS = 10_000


class Limiter:
    """At most `per_s` per second of each sender, and `burst` at once; 0 is no limit."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._interval_s = 1 / per_s if per_s else 0.0
        self._ahead_s = max(burst - 1, 0) * self._interval_s
        # When each sender's next one would be due if it kept the pace.
        self._due: dict[str, float] = {}

    def take(self, sender: str) -> float:
        """Count one; 0 when it may go on, else the seconds until it might, and it is not counted.

        Threads that meet here may let one more through, which is no harm.
        """
        wait_s = self.wait_s(sender)
        if not wait_s and self._interval_s:
            now = time.monotonic()
            if len(self._due) >= SENDERS:
                self._forget(now)
            self._due[sender] = max(self._due.get(sender, now), now) + self._interval_s
        return wait_s

    def wait_s(self, sender: str) -> float:
        """Seconds until this sender may go on; 0 is now."""
        due = self._due.get(sender)
        return max(due - time.monotonic() - self._ahead_s, 0.0) if due else 0.0

    def _forget(self, now: float) -> None:
        self._due = {sender: due for sender, due in [*self._due.items()] if due > now}
        if len(self._due) >= SENDERS:
            self._due.clear()
