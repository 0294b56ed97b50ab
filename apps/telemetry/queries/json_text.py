"""JSON objects by the thousand, as SQL that puts their text together by `||`.

The outcome is that of `row_to_json`, which copies each row first and looks up the name and type of
each of its columns again: a third of what such an answer costs.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

# As many neighbours in the registry as are mostly reported together or not at all.
TOGETHER = 4


class Member(NamedTuple):
    """A member that may be null: `given` is SQL that is NULL then, and so is `text`."""

    name: str
    given: str
    text: str


def object_text(members: Mapping[str, str], *, closing: str = "}") -> str:
    """The text of an object; a member is the SQL of its value's text, never NULL."""
    inside = " || ',".join(f'"{name}":\' || {sql}' for name, sql in members.items())
    return f"('{{{inside} || '{closing}')"


def members_text(members: Sequence[Member]) -> str:
    """`,"name":value` of each, to go on within an object.

    What an exporter does not report is null in every row, a few neighbours together: these are one
    constant.
    """
    few = (members[at : at + TOGETHER] for at in range(0, len(members), TOGETHER))
    return " || ".join(map(_together, few)) or "''"


def value_text(sql: str) -> str:
    """The text of any value that is not NULL."""
    return f"to_json({sql})::text"


def _together(members: Sequence[Member]) -> str:
    given = ", ".join(member.given for member in members)
    nulls = "".join(f',"{member.name}":null' for member in members)
    values = " || ".join(
        f"""coalesce(',"{name}":' || {text}, ',"{name}":null')""" for name, _, text in members
    )
    return f"CASE WHEN num_nonnulls({given}) = 0 THEN '{nulls}' ELSE {values} END"
