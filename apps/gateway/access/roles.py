"""What somebody may do here (role) and see (clusters)."""

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """Each may do what those below it may."""

    NOBODY = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks: a person, a program with a token, or nobody.

    `clusters` holds the slugs it may see, None means all; what it may not see does not exist for
    it.
    """

    name: str
    role: Role
    clusters: frozenset[str] | None = None

    def may_see(self, cluster: str) -> bool:
        """Whether this cluster, by its slug, exists for it."""
        return self.clusters is None or cluster in self.clusters


NOBODY = Principal("", Role.NOBODY)
# Anybody, where PUBLIC_READ is set.
PUBLIC = Principal("", Role.VIEWER)
