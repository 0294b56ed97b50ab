"""Processing time as the timestamp: what was recorded earlier is streamed as if it happened now."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from workers.sources.draft import Draft

TICK = timedelta(microseconds=1)
REMEMBERED_INSTANTS = 10_000


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Restamp:
    """Gives every distinct original instant of a pass one new time, in the order of appearance.

    New times never repeat and never go back, whatever the clock does, so a file that is streamed
    twice is two sets of samples. An instant that comes up again after `REMEMBERED_INSTANTS` others
    is taken for a new one.
    """

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now
        self._last = datetime.min.replace(tzinfo=UTC)
        self._instants: OrderedDict[datetime, datetime] = OrderedDict()

    def new_pass(self) -> None:
        """Forget the instants: the same ones now mean new times."""
        self._instants.clear()

    def apply(self, draft: Draft) -> Draft:
        """The draft with its new timestamp."""
        original = draft.timestamp
        stamped = self._instants.get(original)
        if stamped is None:
            stamped = self._last = max(self._now(), self._last + TICK)
            if len(self._instants) >= REMEMBERED_INSTANTS:
                self._instants.popitem(last=False)
            self._instants[original] = stamped
        else:
            self._instants.move_to_end(original)
        return draft._replace(timestamp=stamped)
