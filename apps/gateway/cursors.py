"""How a place in a GPU's telemetry is written in the `cursor` parameter.

`after-<µs>` or `before-<µs>`, Unix time in microseconds; callers copy it from `next` and
`previous` and need not know that.
"""

import re
from datetime import UTC, datetime, timedelta

from apps.telemetry.queries import Cursor

_FORM = re.compile(r"(after|before)-(-?\d{1,18})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REFUSAL = "copy it from `next` or `previous`"


class CursorText:
    """The `cursor` parameter: continue after a sample, or go back to those before it."""

    def __init__(self, text: str) -> None:
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(_REFUSAL)
        try:
            timestamp = _EPOCH + int(match[2]) * _MICROSECOND
        except OverflowError:
            raise ValueError(_REFUSAL) from None
        self.cursor = Cursor(timestamp, backwards=match[1] == "before")


def write_cursor(cursor: Cursor) -> str:
    """The text that CursorText reads."""
    side = "before" if cursor.backwards else "after"
    return f"{side}-{(cursor.timestamp - _EPOCH) // _MICROSECOND}"
