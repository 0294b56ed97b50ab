"""The newest sample of every GPU, and what changed in the last minute. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from apps.gateway.live.cursor import Cursor
from apps.telemetry.queries.changes import Change

KEPT_S = 60.0
# A fleet that changes faster is kept for a shorter time: a row takes about a kilobyte.
KEPT_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class _Step:
    """What was new in one read; `before` is the cursor of the read before."""

    before: Cursor
    rows: list[Change]
    read_at: float


class Picture:
    """What was read so far; `version` tells one state from another, 0 is before the first read."""

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque()
        self.forget()

    def forget(self) -> None:
        """Know nothing, as before the first read."""
        self.newest: dict[str, Change] = {}
        self.version = 0
        self._cursor = Cursor("0:0:", 0, frozenset())
        self._steps.clear()
        self._kept = 0

    @property
    def cursor(self) -> Cursor:
        """What was committed when it was last read."""
        return self._cursor

    def begin(self, rows: Iterable[Change], cursor: Cursor) -> None:
        """Start anew from a read of every GPU."""
        self._steps.clear()
        self._kept = 0
        self._show(rows, cursor)

    def replace(self, rows: Iterable[Change], cursor: Cursor, now: float) -> list[Change]:
        """Take in a read of every GPU, which leaves out those that are gone; what was new in it."""
        everything = list(rows)
        before = self._cursor
        new = [row for row in everything if _is_between(row, before, cursor)]
        self.add(new, cursor, now)
        self._show(everything, cursor)
        return new

    def add(self, rows: list[Change], cursor: Cursor, now: float) -> None:
        """Take in what was new in a read at `now`, a monotonic time."""
        if rows:
            self._steps.append(_Step(self._cursor, rows, now))
            self._kept += len(rows)
            self.newest.update((row.uuid, row) for row in rows)
            self.version += 1
        self._cursor = cursor
        while self._steps and (self._kept > KEPT_ROWS or now - self._steps[0].read_at > KEPT_S):
            self._kept -= len(self._steps.popleft().rows)

    def since(self, cursor: Cursor) -> list[Change] | None:
        """Every change that the cursor has not seen, in order; None if some are not kept."""
        oldest = self._steps[0].before if self._steps else self._cursor
        if not self.version or not cursor.covers(oldest) or not self._cursor.covers(cursor):
            return None
        return [row for step in self._steps for row in step.rows if not cursor.sees(row.changed_in)]

    def _show(self, rows: Iterable[Change], cursor: Cursor) -> None:
        self.newest = {row.uuid: row for row in rows}
        self._cursor = cursor
        self.version += 1


def _is_between(row: Change, before: Cursor, now: Cursor) -> bool:
    """A number that is not seen even now comes from another database, out of a backup."""
    return now.sees(row.changed_in) and not before.sees(row.changed_in)
