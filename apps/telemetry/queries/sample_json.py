"""How a row of samples becomes JSON: by PostgreSQL, with every name from the registry.

Times are RFC 3339 in UTC with six decimals and `Z`, so they sort as text. `real` columns print in
their shortest exact form, what was not reported is null.
"""

from collections.abc import Iterable, Mapping, Sequence

from apps.telemetry.metrics import BY_NAME, METRIC_NAMES
from apps.telemetry.queries.json_text import value_text

COLUMNS = (*METRIC_NAMES, "extra")
# As many neighbours in the registry as are mostly reported together or not at all.
TOGETHER = 4


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
    """The text of one sample's JSON: `place`, which is never NULL, and then `sample_fields`.

    Put together by `||`, with the outcome of `row_to_json`: that copies each row first and looks up
    the name and type of all its columns again. What an exporter does not report is null in every
    row, a few neighbours together, and these are one constant. It is a third of what a page costs.
    """
    names = tuple(columns)
    together = [names[at : at + TOGETHER] for at in range(0, len(names), TOGETHER)]
    members = "".join(f" || {_members(source, few)}" for few in together)
    before = "".join(
        f"""\'"{name}":\' || {value_text(sql)} || \',\' || """
        for name, sql in (place or {}).items()
    )
    time = time_text(f"{source}.timestamp")
    return f"""('{{' || {before}'"timestamp":"' || {time} || '"'{members} || '}}')"""


def _members(source: str, names: Sequence[str]) -> str:
    """`,"name":value` of each column."""
    nulls = "".join(f',"{name}":null' for name in names)
    values = " || ".join(
        f"""coalesce(',"{name}":' || {source}.{name}::text, ',"{name}":null')""" for name in names
    )
    fields = ", ".join(f"{source}.{name}" for name in names)
    return f"CASE WHEN num_nonnulls({fields}) = 0 THEN '{nulls}' ELSE {values} END"


def time_text(column: str) -> str:
    """A time as it is written in JSON."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
