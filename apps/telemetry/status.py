"""Whether GPUs and hosts report: a pure rule, from when a GPU was last seen and how often it is.

The same rule in SQL and as Django expressions is in apps/telemetry/queries/reporting.py.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings

# Of a GPU whose interval is not known yet: an exporter that is read every 30 s.
DEFAULT_INTERVAL_S = 30.0
# What is lost has missed ten times as much as what is silent, at least.
LOST_FACTOR = 10


class State(StrEnum):
    """How long nothing was heard, in the measure of the GPU's own interval."""

    REPORTING = "reporting"
    SILENT = "silent"
    LOST = "lost"
    NEVER_SEEN = "never_seen"


@dataclass(frozen=True, slots=True)
class Rule:
    """A GPU is silent after so many of its intervals, and `silent_min_s` at least; lost later."""

    silent_intervals: int
    silent_min_s: float
    lost_min_s: float

    def silent_after_s(self, interval_s: float | None) -> float:
        """The age of the newest sample up to which a GPU reports."""
        own = DEFAULT_INTERVAL_S if interval_s is None else interval_s
        return max(self.silent_min_s, self.silent_intervals * own)

    def lost_after_s(self, interval_s: float | None) -> float:
        """The age of the newest sample up to which a GPU is silent."""
        return max(self.lost_min_s, LOST_FACTOR * self.silent_after_s(interval_s))

    def state(
        self, now: datetime, last_seen_at: datetime | None, interval_s: float | None
    ) -> State:
        """The state of a GPU."""
        if last_seen_at is None:
            return State.NEVER_SEEN
        age_s = (now - last_seen_at).total_seconds()
        if age_s <= self.silent_after_s(interval_s):
            return State.REPORTING
        return State.SILENT if age_s <= self.lost_after_s(interval_s) else State.LOST


RULE = Rule(
    settings.STATUS_SILENT_INTERVALS, settings.STATUS_SILENT_MIN_S, settings.STATUS_LOST_MIN_S
)


def host_state(gpus: Collection[State]) -> State:
    """That of its liveliest GPU: a host with one GPU that reports is there."""
    return next((state for state in State if state in gpus), State.NEVER_SEEN)
