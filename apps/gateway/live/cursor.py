"""A place in the changes: what had been committed when they were read. Pure.

Its text is that of PostgreSQL's `pg_snapshot`: the lowest transaction still running, the first one
not begun, and those that were running between.
"""

import re
from dataclasses import dataclass

_FORM = re.compile(r"(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19}){0,2000})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """`text` as it is told to clients; `unborn` is the first transaction that had not begun."""

    text: str
    unborn: int
    running: frozenset[int]

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """The cursor of this text. Raises ValueError."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("this is no cursor; copy it from a snapshot or an update")
        running = frozenset(int(number) for number in match[3].split(",") if number)
        return cls(text, int(match[2]), running)

    def sees(self, transaction: int) -> bool:
        """Whether this transaction had been committed."""
        return transaction < self.unborn and transaction not in self.running

    def covers(self, other: "Cursor") -> bool:
        """Whether it sees all that the other sees."""
        return self.unborn >= other.unborn and not any(map(other.sees, self.running))
