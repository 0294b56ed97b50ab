"""Keyset cursors of a GPU's telemetry: a position between rows that later inserts cannot shift.

Written as `after-<µs>` or `before-<µs>`, Unix time in microseconds; callers copy them from `next`
and `previous` and need not know that.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Self

_FORM = re.compile(r"(after|before)-(-?\d{1,18})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Cursor:
    """Continue after a row, or take the rows before it, in the order of the list."""

    __slots__ = ("at", "is_before")

    def __init__(self, text: str) -> None:
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("copy it from `next` or `previous`")
        try:
            self.at = _EPOCH + int(match[2]) * _MICROSECOND
        except OverflowError:
            raise ValueError("copy it from `next` or `previous`") from None
        self.is_before = match[1] == "before"

    @classmethod
    def after(cls, at: datetime) -> Self:
        """The position right after the row of this time."""
        return cls(f"after-{(at - _EPOCH) // _MICROSECOND}")

    @classmethod
    def before(cls, at: datetime) -> Self:
        """The position right before the row of this time."""
        return cls(f"before-{(at - _EPOCH) // _MICROSECOND}")

    def __str__(self) -> str:
        side = "before" if self.is_before else "after"
        return f"{side}-{(self.at - _EPOCH) // _MICROSECOND}"
