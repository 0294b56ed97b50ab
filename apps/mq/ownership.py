"""Who does a piece of work: rendezvous hashing over the live members. Pure functions.

A piece is named by a number (a batch's timestamp) or a text (a part of a file, a target).
"""

from collections.abc import Collection
from hashlib import blake2b


def owner(piece: int | str, members: Collection[str]) -> str:
    """The member that does it; `members` must not be empty.

    When a member joins or leaves, only the pieces that it gains or had change hands.
    """
    return max(members, key=lambda member: _weight(piece, member))


def ranked(piece: int | str, members: Collection[str]) -> list[str]:
    """All members in the order in which they would do it."""
    return sorted(members, key=lambda member: _weight(piece, member), reverse=True)


def _weight(piece: int | str, member: str) -> tuple[bytes, str]:
    # The name settles a tie, so that every member sees the same order.
    return blake2b(f"{piece}/{member}".encode(), digest_size=8).digest(), member
