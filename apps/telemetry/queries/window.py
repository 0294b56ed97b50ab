"""The bounds of a window as SQL."""

from datetime import datetime


def window_of(start: datetime | None, end: datetime | None) -> str:
    """Only the bounds that were given: a bound that PostgreSQL sees lets it skip other days."""
    lower = "AND s.timestamp >= %(start)s::timestamptz" if start else ""
    upper = "AND s.timestamp <= %(end)s::timestamptz" if end else ""
    return f"{lower} {upper}".strip()
