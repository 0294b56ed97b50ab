"""Everybody who made the same choice: what is new is gathered and made into messages once."""

import asyncio
from collections.abc import Iterable, Mapping

from apps.gateway.live.choice import Choice
from apps.gateway.live.message import Tick
from apps.gateway.live.picture import Picture
from apps.gateway.live.subscription import Subscription
from apps.telemetry.queries.changes import Change


class Group:
    """Subscriptions of one choice that get updates at most every `interval_s` (0: each one)."""

    def __init__(self, choice: Choice, interval_s: float, picture: Picture) -> None:
        self.members: set[Subscription] = set()
        self._choice = choice
        self._interval_s = interval_s
        self._picture = picture
        self._gathered: dict[str, Change] = {}
        # All that was committed by then has been given to the members.
        self._cursor = picture.cursor
        self._timer: asyncio.TimerHandle | None = None
        self._flushed_at = -interval_s
        self._snapshot: tuple[int, Tick] | None = None

    def take_in(self, rows: Mapping[str, Change]) -> None:
        """Gather what is new of these rows, and pass it on when it is time."""
        for row in self._choice.of(rows):
            self._gathered[row.uuid] = row
        if not self._gathered:
            self._cursor = self._picture.cursor
            return
        loop = asyncio.get_running_loop()
        due_at = self._flushed_at + self._interval_s
        if loop.time() >= due_at:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_at(due_at, self._flush)

    def snapshot(self) -> Tick:
        """Every chosen GPU as it is now."""
        if self._snapshot is None or self._snapshot[0] != self._picture.version:
            rows = self._choice.of(self._picture.newest)
            tick = Tick("snapshot", self._choice, rows, self._picture.cursor)
            self._snapshot = (self._picture.version, tick)
        return self._snapshot[1]

    def newest(self, uuids: Iterable[str]) -> Tick:
        """These GPUs as they are now; for a member that lags behind."""
        known = self._picture.newest
        rows = [known[uuid] for uuid in uuids if uuid in known]
        return Tick("update", self._choice, rows, self._cursor)

    def replay(self, rows: Iterable[Change]) -> Tick:
        """Those of earlier changes that are chosen, in their order."""
        chosen = [row for row in rows if self._choice.matches(row)]
        return Tick("update", self._choice, chosen, self._picture.cursor)

    @property
    def is_known(self) -> bool:
        """Whether anything was read yet."""
        return self._picture.version > 0

    def begin_anew(self, reason: str) -> None:
        """Tell every member that it missed something, and give it a snapshot."""
        self.close()
        self._gathered.clear()
        self._cursor = self._picture.cursor
        for member in self.members:
            member.begin_anew(reason)

    def close(self) -> None:
        """Pass on nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        self.close()
        self._flushed_at = asyncio.get_running_loop().time()
        self._cursor = self._picture.cursor
        tick = Tick("update", self._choice, list(self._gathered.values()), self._cursor)
        self._gathered.clear()
        for member in self.members:
            member.offer(tick)
