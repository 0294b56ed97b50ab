"""What one collector knows of the batches that wait: a pure data structure, no I/O.

Batches are known by their descriptor's timestamp. Each has an owner among the members; the
collector takes its own, oldest first, and those of an owner that has stopped making progress.
"""

import heapq
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from apps.mq.ownership import owner, ranked


@dataclass(slots=True)
class _Entry:
    owner: str
    seen_at: float
    in_hand: bool = False


class Book:
    """The waiting batches as one collector sees them. Times are monotonic seconds."""

    def __init__(self, me: str, grace_s: float) -> None:
        self._me = me
        self._grace_s = grace_s
        self._members: frozenset[str] = frozenset({me})
        self._entries: dict[int, _Entry] = {}
        self._mine: list[int] = []
        # When a batch of this owner was last seen to be done, or the owner to appear.
        self._progress_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def known(self) -> list[int]:
        """Every known timestamp in order."""
        return sorted(self._entries)

    def set_members(self, members: Collection[str], now: float) -> None:
        """Take over a new view of the live members and settle ownership again."""
        live = frozenset(members) | {self._me}
        if live == self._members:
            return
        for name in live - self._members:
            self._progress_at[name] = now
        for name in self._members - live:
            self._progress_at.pop(name, None)
        self._members = live
        for timestamp, entry in self._entries.items():
            entry.owner = owner(timestamp, live)
        self._mine = [t for t, e in self._entries.items() if e.owner == self._me and not e.in_hand]
        heapq.heapify(self._mine)

    def add(self, timestamps: Iterable[int], now: float) -> None:
        """Note batches that wait; known ones stay as they are."""
        for timestamp in timestamps:
            if timestamp in self._entries:
                continue
            who = owner(timestamp, self._members)
            self._entries[timestamp] = _Entry(who, now)
            if who == self._me:
                heapq.heappush(self._mine, timestamp)

    def remove(self, timestamp: int, now: float) -> None:
        """Note that a batch is done, by whomever."""
        entry = self._entries.pop(timestamp, None)
        if entry is not None:
            self._progress_at[entry.owner] = now

    def forget_missing(self, seen: Collection[int], last: int, read_at: float) -> None:
        """Drop batches up to `last` that a read begun at `read_at` did not show: they are done.

        What was noted after the read began may be newer than it, and what is in hand is settled by
        its acknowledgement.
        """
        gone = [
            timestamp
            for timestamp, entry in self._entries.items()
            if timestamp <= last
            and timestamp not in seen
            and entry.seen_at < read_at
            and not entry.in_hand
        ]
        for timestamp in gone:
            self.remove(timestamp, read_at)

    def take(self, limit: int) -> list[int]:
        """Up to `limit` batches of mine, oldest first; they are in hand until done or released."""
        taken: list[int] = []
        while self._mine and len(taken) < limit:
            timestamp = heapq.heappop(self._mine)
            entry = self._entries.get(timestamp)
            if entry is not None and not entry.in_hand and entry.owner == self._me:
                entry.in_hand = True
                taken.append(timestamp)
        return taken

    def release(self, timestamps: Iterable[int]) -> None:
        """Give batches back that are not done: they wait again."""
        for timestamp in timestamps:
            entry = self._entries.get(timestamp)
            if entry is not None and entry.in_hand:
                entry.in_hand = False
                if entry.owner == self._me:
                    heapq.heappush(self._mine, timestamp)

    def adopt_abandoned(self, now: float) -> int:
        """Make mine what its owner has left alone; how many.

        An owner without progress for the grace period loses its batches to the next in rank, after
        two periods to the one after, so that not every member jumps at once.
        """
        adopted = 0
        for timestamp, entry in self._entries.items():
            if entry.owner == self._me or entry.in_hand:
                continue
            idle_s = now - max(entry.seen_at, self._progress_at.get(entry.owner, 0.0))
            rank = int(idle_s // self._grace_s)
            if rank and self._me in ranked(timestamp, self._members)[1 : rank + 1]:
                entry.owner = self._me
                heapq.heappush(self._mine, timestamp)
                adopted += 1
        return adopted
