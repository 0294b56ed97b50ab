"""Replaying a file at the pace of its own times, faster or slower."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from workers.sources.draft import Draft

# Between the last instant of a pass and the first of the next, where the file has only one.
DEFAULT_SPACING = timedelta(seconds=1)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Replay:
    """When each instant of a file is due: its distance from the first one, divided by `speed`.

    As a restamp it makes the due time the timestamp, so that spacings are those of the file. What
    comes late (a slow queue) keeps its due time. The next pass begins one spacing after the last.
    """

    def __init__(
        self, speed: float, stop: threading.Event, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._speed = speed
        self._stop = stop
        self._now = now
        self._first: datetime | None = None
        self._start = self._last_due = datetime.min.replace(tzinfo=UTC)
        self._spacing = DEFAULT_SPACING

    def new_pass(self) -> None:
        """The next instant is the first of a pass."""
        self._first = None

    def due(self, original: datetime) -> datetime:
        """When an instant's records are to be published."""
        if self._first is None:
            self._first = original
            self._start = max(self._now(), self._last_due + self._spacing)
        due = self._start + (original - self._first) / self._speed
        if due > self._last_due >= self._start:
            self._spacing = due - self._last_due
        self._last_due = max(due, self._last_due)
        return due

    def wait(self, original: datetime) -> bool:
        """Wait until an instant is due; False if told to stop before that."""
        left_s = (self.due(original) - self._now()).total_seconds()
        return not self._stop.wait(left_s) if left_s > 0 else not self._stop.is_set()

    def apply(self, draft: Draft) -> Draft:
        """The draft with the time at which it is due."""
        return draft._replace(timestamp=self.due(draft.timestamp))
