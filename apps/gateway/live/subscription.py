"""What waits for one subscription. It never grows: what a client does not take in time becomes a
set of GPUs whose newest samples it gets when it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.gateway.live.message import Message, Tick, message
from apps.gateway.metrics.live import COALESCED

if TYPE_CHECKING:
    from apps.gateway.live.feed import Feed
    from apps.gateway.live.group import Group


class Subscription:
    """One of a client's; begins with a snapshot, unless it resumes."""

    def __init__(self, id: str, feed: Feed, group: Group) -> None:
        self.id = id
        self.group = group
        self._feed = feed
        self._told: Message | None = None
        self._missed = ""
        self._wants_snapshot = True
        self._tick: Tick | None = None
        self._changed: set[str] = set()

    def resume(self, tick: Tick) -> None:
        """Begin with these changes instead of a snapshot."""
        self._wants_snapshot = False
        self._tick = tick

    def begin_anew(self, reason: str) -> None:
        """Tell that something was missed (if there is a reason), then give a snapshot."""
        self._missed = reason or self._missed
        self._wants_snapshot = True
        self._tick = None
        self._changed.clear()
        self._feed.wake()

    def tell(self, message: Message) -> None:
        """Send this next, instead of what was to be told before."""
        self._told = message
        self._feed.wake()

    def offer(self, tick: Tick) -> None:
        """Something is new; a snapshot that is still to come will hold it anyway."""
        if self._wants_snapshot:
            return
        if self._tick is None and not self._changed:
            self._tick = tick
        else:
            COALESCED.inc()
            self._changed.update(tick.uuids)
        self._feed.wake()

    def take(self) -> Message | None:
        """The next message, if there is one."""
        if self._told is not None:
            told, self._told = self._told, None
            return told
        if self._missed:
            reason, self._missed = self._missed, ""
            return message("missed", id=self.id, detail=reason)
        if self._wants_snapshot:
            if not self.group.is_known:
                return None
            self._wants_snapshot = False
            return self.group.snapshot().message(self.id)
        tick, self._tick = self._tick, None
        if tick is None and self._changed:
            tick = self.group.newest(self._changed)
            self._changed.clear()
        return tick.message(self.id) if tick else None
