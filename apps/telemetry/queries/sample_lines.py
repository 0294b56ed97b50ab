"""A page of samples, cut from the lines of one sample more: that one tells that there are more.

Asking PostgreSQL by itself whether there are opens every partition once again, and having it tell
the first and last time adds to every row: together a quarter of what a page costs it.
"""

from datetime import datetime
from typing import NamedTuple

# Between two samples. JSON text that PostgreSQL writes has a line end nowhere else.
SEPARATOR = ",\n"
_TIME = len('{"timestamp":"')
_TIME_END = _TIME + len("2025-07-18T20:42:34.000000Z")


class SampleLines(NamedTuple):
    """Objects of `sample_object` without the array's brackets; no times where there are none."""

    text: str
    more: bool
    first: datetime | None
    last: datetime | None


def cut(text: str, rows: int, limit: int, *, backwards: bool) -> SampleLines:
    """At most `limit` of these `rows` lines; one too many stands where reading ended. Pure.

    That is at the end, or at the beginning of what was read `backwards`.
    """
    more = rows > limit
    if more and backwards:
        text = text[text.index(SEPARATOR) + len(SEPARATOR) :]
    elif more:
        text = text[: text.rindex(SEPARATOR)]
    last = text.rfind(SEPARATOR)
    last = 0 if last < 0 else last + len(SEPARATOR)
    return SampleLines(text, more, _time(text, 0), _time(text, last)) if text else NO_LINES


def _time(text: str, at: int) -> datetime:
    return datetime.fromisoformat(text[at + _TIME : at + _TIME_END])


NO_LINES = SampleLines("", more=False, first=None, last=None)
