"""Which partitions a table has, as PostgreSQL knows them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import connection

# What lies between the quotes of FOR VALUES FROM ('…') TO ('…'), read by PostgreSQL itself.
_ATTACHED = r"""
SELECT child.relname, bounds[1]::timestamptz, bounds[2]::timestamptz
  FROM pg_inherits
  JOIN pg_class child ON child.oid = inhrelid,
       regexp_match(pg_get_expr(child.relpartbound, child.oid),
                    $$FROM \('([^']+)'\) TO \('([^']+)'\)$$) bounds
 WHERE inhparent = to_regclass(%s) AND bounds IS NOT NULL AND NOT inhdetachpending
 ORDER BY 2
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """A table that holds `start` ≤ time < `end`."""

    name: str
    start: datetime
    end: datetime

    @property
    def day(self) -> date:
        """The UTC day it begins with."""
        return self.start.astimezone(UTC).date()


def attached(table: str) -> list[Partition]:
    """The partitions of a table, oldest first; none if there is no such table."""
    with connection.cursor() as cursor:
        cursor.execute(_ATTACHED, [table])
        return [Partition(*row) for row in cursor.fetchall()]
