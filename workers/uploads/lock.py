"""Who streams an upload: the PostgreSQL session that holds its advisory lock.

The lock ends with the session, so a streamer that is killed is replaced at once. Progress is saved
by the same session: one that was lost saves nothing any more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection


@contextmanager
def held(upload_id: UUID) -> Iterator[bool]:
    """Whether nobody else has the upload; it is ours until the block ends."""
    key = [int.from_bytes(upload_id.bytes[:8], signed=True)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", key)
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", key)
