"""Who is subscribed in this process: one reader for all, which stops when nobody is left."""

import asyncio
import time
from weakref import WeakKeyDictionary

from apps.gateway.live.choice import Choice
from apps.gateway.live.cursor import Cursor
from apps.gateway.live.feed import Feed
from apps.gateway.live.group import Group
from apps.gateway.live.message import error
from apps.gateway.live.picture import Picture
from apps.gateway.live.source import Source
from apps.gateway.live.subscription import Subscription
from apps.telemetry.queries.changes import Change, Changes

# Reading goes on for a while without clients, so that one that was cut off can resume.
LINGER_S = 60.0
# A cursor may come from a worker that has read a little more than this one.
CATCH_UP_S = 2.0
AWAY = "PostgreSQL does not answer; what was sent may be old until a snapshot follows."
WAS_AWAY = "PostgreSQL did not answer for a while; a snapshot follows."
TOO_OLD = "Not every change since this cursor is known here; a snapshot follows."


class Hub:
    """The subscriptions of one event loop, and so of one process."""

    def __init__(self) -> None:
        self.read_asked = False
        self._picture = Picture()
        self._groups: dict[tuple[Choice, float], Group] = {}
        self._is_away = False
        self._left_at = 0.0
        self._following: asyncio.Task[None] | None = None
        self._was_read = asyncio.Event()

    @property
    def is_wanted(self) -> bool:
        """Whether there is somebody to read for, or was a moment ago."""
        return bool(self._groups) or time.monotonic() - self._left_at < LINGER_S

    async def subscribe(
        self, feed: Feed, id: str, choice: Choice, interval_s: float, cursor: Cursor | None = None
    ) -> None:
        """Let a feed have what was chosen; in place of its subscription of the same id."""
        self.unsubscribe(feed, id)
        self._left_at = time.monotonic()
        self._follow()
        if cursor is not None:
            await self._catch_up(cursor)
        self.unsubscribe(feed, id)
        key = (choice, interval_s)
        if key not in self._groups:
            self._groups[key] = Group(*key, self._picture)
        group = self._groups[key]
        subscription = Subscription(id, feed, group)
        group.members.add(subscription)
        feed.outlets[id] = subscription
        if self._is_away:
            feed.answer(error(503, AWAY, id=id))
        if cursor is not None:
            self._resume(subscription, cursor)
        feed.wake()

    def unsubscribe(self, feed: Feed, id: str) -> bool:
        """End a subscription; whether there was one."""
        subscription = feed.outlets.pop(id, None)
        if not isinstance(subscription, Subscription):
            return False
        group = subscription.group
        group.members.discard(subscription)
        if not group.members:
            group.close()
            self._groups = {key: one for key, one in self._groups.items() if one is not group}
            self._left_at = time.monotonic()
        return True

    def leave(self, feed: Feed) -> None:
        """End every subscription of a feed."""
        for id in list(feed.outlets):
            self.unsubscribe(feed, id)

    async def stop(self) -> None:
        """Read no more."""
        task, self._following = self._following, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def begin(self, changes: Changes) -> None:
        """Take in the first read of a connection: there may have been changes before it."""
        was_away, self._is_away = self._is_away, False
        is_first = not self._picture.version
        self._picture.begin(changes.rows, Cursor.read(changes.snapshot))
        for group in self._groups.values():
            group.begin_anew(WAS_AWAY if was_away and not is_first else "")
        self._was_read.set()

    def replace(self, changes: Changes) -> None:
        """Take in a read of everything; GPUs that were deleted are gone from then on."""
        cursor = Cursor.read(changes.snapshot)
        self._pass_on(self._picture.replace(changes.rows, cursor, time.monotonic()))

    def add(self, changes: Changes) -> None:
        """Take in what is new."""
        self._picture.add(changes.rows, Cursor.read(changes.snapshot), time.monotonic())
        self._pass_on(changes.rows)

    def lose(self) -> None:
        """Tell everybody, once, that nothing new is known until further notice."""
        if self._is_away:
            return
        self._is_away = True
        for group in self._groups.values():
            for member in group.members:
                member.tell(error(503, AWAY, id=member.id))

    def _pass_on(self, rows: list[Change]) -> None:
        by_uuid = {row.uuid: row for row in rows}
        for group in self._groups.values():
            group.take_in(by_uuid)
        self._was_read.set()

    def _resume(self, subscription: Subscription, cursor: Cursor) -> None:
        changes = self._picture.since(cursor)
        if changes is None:
            subscription.begin_anew(TOO_OLD)
        else:
            subscription.resume(subscription.group.replay(changes))

    async def _catch_up(self, cursor: Cursor) -> None:
        """Return when all that the cursor has seen was read here too, or never will be."""
        deadline = time.monotonic() + CATCH_UP_S
        while not (self._picture.version and self._picture.cursor.covers(cursor)):
            self.read_asked = True
            self._was_read.clear()
            try:
                await asyncio.wait_for(self._was_read.wait(), deadline - time.monotonic())
            except TimeoutError:
                return

    def _follow(self) -> None:
        if self._following is None or self._following.done():
            self._picture.forget()
            self._following = asyncio.create_task(Source(self).follow())


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The one of the running event loop; a server has one loop, tests have many."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
