"""One run at a time across machines, by a PostgreSQL advisory lock."""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.db import InterfaceError, OperationalError, connection

# "tele": keeps our locks apart from those of other programs in the same database.
NAMESPACE = 0x74656C65

# Numbered by two keys, which objsubid tells.
_HELD = """
SELECT objid::bigint FROM pg_locks
 WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = %s::bigint::oid
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


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
            # Where the session is lost the lock went with it, and what lost it is the news.
            with suppress(InterfaceError, OperationalError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [NAMESPACE, key])


def running(names: Iterable[str]) -> set[str]:
    """Those of the names whose lock somebody holds at this moment, in this database."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [NAMESPACE])
        held = {key for (key,) in cursor.fetchall()}
    # PostgreSQL shows a lock's number without its sign.
    return {name for name in names if key_of(name) % (1 << 32) in held}
