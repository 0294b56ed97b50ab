"""One live source in a run: when it is due, whether it is being sampled, whether it answers."""

import logging
from dataclasses import dataclass

from workers.live import metrics
from workers.live.source import LiveSource
from workers.live.ticks import backoff_s, next_tick
from workers.sources.source import SourceError

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Entry:
    """`due` and `down_since` are times of the monotonic clock."""

    source: LiveSource
    due: float
    busy: bool = False
    gone: bool = False
    failures: int = 0
    down_since: float | None = None

    def advance(self, interval_s: float, now: float) -> int:
        """Move to the next tick; how many ticks were missed meanwhile."""
        self.due, missed = next_tick(self.due, interval_s, now)
        self.due += backoff_s(self.failures, interval_s)
        return missed

    def failed(self, error: SourceError, now: float) -> None:
        """It did not answer: said once, until it is back."""
        self.failures += 1
        metrics.FAILURES.inc()
        if self.down_since is None:
            self.down_since = now
            metrics.DOWN.inc()
            logger.error("%s; its GPUs are not seen until it answers", error)

    def answered(self, now: float) -> None:
        """It answered: said once if it was down."""
        self.failures = 0
        if self.down_since is not None:
            logger.warning(
                "%s: answers again after %.0f s", self.source.name, now - self.down_since
            )
            self.forget_outage()

    def forget_outage(self) -> None:
        """It is no longer this process that asks it."""
        self.failures = 0
        if self.down_since is not None:
            self.down_since = None
            metrics.DOWN.dec()
