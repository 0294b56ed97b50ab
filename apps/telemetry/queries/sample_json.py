"""How a row of samples becomes JSON: by PostgreSQL, with every name from the registry.

Times are RFC 3339 in UTC with six decimals and `Z`, so they sort as text. `real` columns print in
their shortest exact form, what was not reported is null.
"""

from collections.abc import Iterable, Mapping

from apps.telemetry.metrics import BY_NAME, METRIC_NAMES
from apps.telemetry.queries.json_text import Member, members_text, object_text, value_text

COLUMNS = (*METRIC_NAMES, "extra")


class UnknownColumn(ValueError):
    """A name that is no metric of the registry; the message lists it."""


def checked_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once, if all are metrics or `extra`; they are safe to put into SQL.

    Raises UnknownColumn.
    """
    columns = tuple(dict.fromkeys(names))
    for name in columns:
        if name not in BY_NAME and name != "extra":
            raise UnknownColumn(f"{name!r} is not a metric; the metrics are {', '.join(COLUMNS)}")
    return columns


def sample_fields(source: str, columns: Iterable[str]) -> str:
    """The select list of one sample's JSON: `timestamp`, then `columns` of the table `source`."""
    time = time_text(f"{source}.timestamp")
    return ", ".join((f"{time} AS timestamp", *(f"{source}.{name}" for name in columns)))


def sample_object(
    source: str, columns: Iterable[str], place: Mapping[str, str] | None = None
) -> str:
    """The text of one sample's JSON: `place`, which is never NULL, and then `sample_fields`."""
    first = {name: value_text(sql) for name, sql in (place or {}).items()}
    first["timestamp"] = f"""'"' || {time_text(f"{source}.timestamp")} || '"'"""
    members = [Member(name, f"{source}.{name}", f"{source}.{name}::text") for name in columns]
    return f"({object_text(first, closing='')} || {members_text(members)} || '}}')"


def time_text(column: str) -> str:
    """A time as it is written in JSON."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
