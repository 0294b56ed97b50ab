"""How a place in a GPU's telemetry is written in the `cursor` parameter.

`after-<µs>` or `before-<µs>`, Unix time in microseconds, and `-<gpu>` where there are many GPUs;
callers copy it from `next` and `previous` and need not know that.
"""

import re
from datetime import UTC, datetime, timedelta

from apps.telemetry.queries import Cursor, FleetCursor, Order

_FORM = re.compile(r"(after|before)-(-?\d{1,18})", re.ASCII)
_FLEET_FORM = re.compile(rf"({_FORM.pattern})-(\d{{1,9}})", re.ASCII)
_NO_GPU, _LAST_GPU = 0, 2**31 - 1
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


class FleetCursorText:
    """The `cursor` parameter where samples of many GPUs are merged."""

    def __init__(self, text: str) -> None:
        match = _FLEET_FORM.fullmatch(text)
        if match is None:
            raise ValueError(_REFUSAL)
        place = CursorText(match[1]).cursor
        self.cursor = FleetCursor(place.timestamp, int(match[4]), place.backwards)


def write_fleet_cursor(cursor: FleetCursor) -> str:
    """The text that FleetCursorText reads."""
    return f"{write_cursor(Cursor(cursor.timestamp, cursor.backwards))}-{cursor.gpu}"


def as_fleet_cursor(cursor: Cursor, order: Order) -> FleetCursor:
    """The same place where there is one GPU: beyond all that the instant has."""
    forward = (order is Order.ASC) is not cursor.backwards
    return FleetCursor(cursor.timestamp, _LAST_GPU if forward else _NO_GPU, cursor.backwards)
