"""What was decided and why: the last decisions, and how many there were."""

from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

KEPT = 20


@dataclass(frozen=True)
class Entry:
    """A decision: the new numbers of the whole group, the reason, the time (UTC, RFC 3339)."""

    at: str
    collectors: int
    streamers: int
    reason: str


class Journal:
    """Newest first; for one thread."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, collectors: int, streamers: int, reason: str) -> None:
        """Note a decision that was just made."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._entries.appendleft(Entry(at, collectors, streamers, reason))
        self.count += 1

    def as_json(self) -> list[dict[str, Any]]:
        """The decisions that are remembered."""
        return [asdict(entry) for entry in self._entries]
