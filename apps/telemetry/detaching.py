"""Takes partitions out of a table by DETACH and DROP, in the way of nobody.

DETACH locks the table against everything, for as long as it takes to change the catalog. DETACH
CONCURRENTLY would not, but cannot be part of a transaction, and what is known of a partition's rows
must change in the same one. Dropping, which deletes files, comes after and locks nothing in use.
"""

from django.db import connection
from django.db.backends.utils import CursorWrapper

SUFFIX = "_gone"


def lock(cursor: CursorWrapper, table: str) -> None:
    """Wait for every reader and writer of the table to end, and let none begin."""
    cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")


def detach(cursor: CursorWrapper, table: str, partition: str) -> None:
    """Take a partition out, and its name too, so that one can be made anew."""
    cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {partition}")
    cursor.execute(f"ALTER TABLE {partition} RENAME TO {partition}{SUFFIX}")


def drop_detached(table: str) -> list[str]:
    """Drop what was taken out of a table, by a run that was interrupted too; their names."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT gone.relname FROM pg_class gone JOIN pg_class parent"
            " ON parent.relnamespace = gone.relnamespace AND parent.oid = to_regclass(%s)"
            " WHERE gone.relkind = 'r' AND NOT gone.relispartition AND gone.relname ~ %s",
            [table, f"^{table}_[0-9]+{SUFFIX}$"],
        )
        names = [name for (name,) in cursor.fetchall()]
        for name in names:
            cursor.execute(f"DROP TABLE {name}")
    return names
