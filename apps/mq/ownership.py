"""Who takes a batch: rendezvous hashing over the live members. Pure functions."""

from collections.abc import Collection
from hashlib import blake2b


def owner(timestamp: int, members: Collection[str]) -> str:
    """The member that takes the batch of this timestamp; `members` must not be empty.

    When a member joins or leaves, only the batches that it gains or had change hands.
    """
    return max(members, key=lambda member: _weight(timestamp, member))


def ranked(timestamp: int, members: Collection[str]) -> list[str]:
    """All members in the order in which they would take the batch."""
    return sorted(members, key=lambda member: _weight(timestamp, member), reverse=True)


def _weight(timestamp: int, member: str) -> tuple[bytes, str]:
    # The name settles a tie, so that every member sees the same order.
    return blake2b(b"%d/%s" % (timestamp, member.encode()), digest_size=8).digest(), member
