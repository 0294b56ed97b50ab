"""One run at a time across machines, by a PostgreSQL advisory lock."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# "tele": keeps our locks apart from those of other programs in the same database.
NAMESPACE = 0x74656C65


def key_of(name: str) -> int:
    """The number of a task's lock; PostgreSQL takes 32 bits with a sign."""
    return zlib.crc32(name.encode()) - (1 << 31)


@contextmanager
def single_run(name: str) -> Iterator[bool]:
    """Whether nobody else runs `name`; holds the lock until the block ends or the process dies.

    Bound to the database session: not usable through a pooler in transaction mode.
    """
    key = key_of(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [NAMESPACE, key])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [NAMESPACE, key])
