"""Statements that are parsed and planned once per connection, by the readers and the writer.

Planning a page of samples over a month of partitions costs more than reading it.
"""

from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper


class _PreparedCursor(psycopg.Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: Any = None, **_: Any) -> "_PreparedCursor":
        return super().execute(query, params, prepare=True)


def prepared_cursor(connection: BaseDatabaseWrapper) -> CursorWrapper:
    """A cursor whose statements the server keeps and binds parameters to; Django's does neither.

    Parameters go to the server apart, so each needs a cast to its type. It raises what Django
    raises, and is seen by whoever logs or counts its statements. The connection is open.
    """
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return wrap(_PreparedCursor(connection.connection))  # type: ignore[arg-type]


def plan_once(connection: BaseDatabaseWrapper, **_: object) -> None:
    """On a new connection: allow prepared statements, and keep the first plan of each.

    Django turns them off. PostgreSQL by itself plans these anew each time: it cannot know how few
    partitions the bounds will leave, so the lasting plan looks dear to it.
    """
    connection.connection.prepare_threshold = 0
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")


def keep_to_indexes(connection: BaseDatabaseWrapper, **_: object) -> None:
    """On a new connection of a collector: samples are looked up by their key in every plan.

    A plan is kept, and one that was made while a day was empty, and known to be, would go through
    the whole day for each GPU once it is full.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
