"""Spans of foreign messages between being found and being settled: a pure data structure."""

from collections import defaultdict, deque
from collections.abc import Iterable

from apps.mq.keys import Keys
from apps.mq.ranges import Range


class Spans:
    """Key ranges that wait to be taken, and those in hand, which are not to be found again.

    One in hand is forgotten when it is released, by the timestamp of its first key, or after
    `grace_s`: the read of a span may have failed. Times are monotonic seconds.
    """

    def __init__(self, keys: Keys, grace_s: float) -> None:
        self._keys = keys
        self._grace_s = grace_s
        self._waiting: deque[Range] = deque()
        self._in_hand: defaultdict[int, list[tuple[Range, float]]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, spans: Iterable[Range]) -> None:
        """Spans that were found; none of them is in hand."""
        self._waiting.extend(spans)

    def take(self, limit: int, now: float) -> list[Range]:
        """Up to `limit` spans, which are in hand from now on."""
        taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        for span in taken:
            timestamp = self._keys.message_timestamp(span[0]) or 0
            self._in_hand[timestamp].append((span, now))
        return taken

    def put_back(self, spans: Iterable[Range]) -> None:
        """Spans, or what is left of them, that were taken and not read: they are next."""
        self._waiting.extendleft(reversed(list(spans)))

    def release(self, timestamps: Iterable[int]) -> None:
        """Spans that begin at these timestamps are done, or given back: what is there is found."""
        for timestamp in timestamps:
            self._in_hand.pop(timestamp, None)

    def in_hand(self, now: float) -> list[Range]:
        """What is in hand, without what has been for too long."""
        late = [
            timestamp
            for timestamp, entries in self._in_hand.items()
            if any(now - since > self._grace_s for _, since in entries)
        ]
        self.release(late)
        return [span for entries in self._in_hand.values() for span, _ in entries]
