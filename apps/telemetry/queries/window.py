"""The bounds of a window as SQL."""


def window_of(start: object, end: object) -> str:
    """Only the bounds that were given: a bound that PostgreSQL sees lets it skip other days."""
    lower = "AND s.timestamp >= %(start)s::timestamptz" if start else ""
    upper = "AND s.timestamp <= %(end)s::timestamptz" if end else ""
    return f"{lower} {upper}".strip()
