"""JSON objects by the thousand, as SQL that puts their text together.

`row_to_json` copies each row first and looks up the name and type of each of its columns again: a
fifth of what such an answer costs. Literals are as long as can be, for each costs as much as a
number.
"""

from collections.abc import Mapping


def object_text(members: Mapping[str, str], *, opening: str = "", closing: str = "}") -> str:
    """The text of an object with `opening` before it.

    A member is the SQL of its value's text, or of a number; never NULL.
    """
    inside = ",".join(f"\"{name}\":', {sql}, '" for name, sql in members.items())
    return f"concat('{opening}{{{inside}{closing}')"


def value_text(sql: str) -> str:
    """The text of any value that is not NULL."""
    return f"to_json({sql})::text"
