"""The times that callers may write: RFC 3339, a date, Unix seconds, or `now` and `now-5m`.

A start and an end are both inclusive; a date as an end means the last microsecond of that day.
"""

import re
from datetime import UTC, datetime, timedelta

# In a URL an unescaped `+` arrives as a space, so a space before the offset is read as one.
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:([Zz])|([+ -])(\d\d:\d\d))", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UNIX = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
_NOW = re.compile(r"now(?:-(\d{1,9})([smhdw]))?", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LAST_MICROSECOND = timedelta(days=1) - timedelta(microseconds=1)

FORMS = (
    "write RFC 3339 (2025-07-18T20:42:34Z), a date (2025-07-18), "
    "Unix seconds (1752871354) or now-5m"
)


def parse_time(text: str, now: datetime, *, is_end: bool = False) -> datetime:
    """The instant in UTC that `text` means; raises ValueError with what to write instead."""
    try:
        return _parse(text, now, is_end)
    except (OverflowError, OSError):
        hint = " (Unix times are in seconds)" if _UNIX.fullmatch(text) else ""
        raise ValueError(f"it is outside the years 1 to 9999{hint}") from None


def _parse(text: str, now: datetime, is_end: bool) -> datetime:
    if match := _RFC_3339.fullmatch(text):
        return _rfc_3339(match)
    if _DATE.fullmatch(text):
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return day + _LAST_MICROSECOND if is_end else day
    if _UNIX.fullmatch(text):
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=float(text))
    if match := _NOW.fullmatch(text):
        amount, unit = match.groups()
        return now - timedelta(**{_UNITS[unit]: int(amount)}) if amount else now
    raise ValueError(FORMS)


def _rfc_3339(match: re.Match[str]) -> datetime:
    date, time, fraction, zulu, sign, offset = match.groups()
    zone = "+00:00" if zulu else ("-" if sign == "-" else "+") + offset
    microseconds = ((fraction or "") + "000000")[:6]
    return datetime.fromisoformat(f"{date}T{time}.{microseconds}{zone}").astimezone(UTC)


class Instant:
    """A time as it was written, and what it means. No dataclass: msgspec would want an object."""

    is_end = False

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = parse_time(text, datetime.now(UTC), is_end=self.is_end)

    @property
    def is_relative(self) -> bool:
        """Whether the text means another instant later."""
        return self.text.startswith("now")

    @property
    def absolute(self) -> str:
        """The same instant in a form that means the same later, for links to further pages."""
        return format_time(self.at) if self.is_relative else self.text


class StartTime(Instant):
    """The first instant of a window."""


class EndTime(Instant):
    """The last instant of a window."""

    is_end = True


def format_time(at: datetime) -> str:
    """RFC 3339 in UTC, always with microseconds: such texts sort by time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
