"""Statements that are parsed and planned once per connection.

Planning a page of samples over a month of partitions costs more than reading it.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.telemetry.queries.wire import fetch_row
from apps.telemetry.replica import alias_of_reads


class _PreparedCursor(psycopg.Cursor[tuple[Any, ...]]):
    """Has the server bind parameters and keep the statement; Django's cursor does neither."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> "_PreparedCursor":
        return super().execute(query, params, prepare=True)


def fetch_one(statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row. Parameters go to the server apart, so each needs a cast to its type.

    A connection that was kept and has died meanwhile is replaced: looking at it before each
    statement, as Django can, takes a tenth of what a page costs. Raises what Django raises, and is
    seen by whoever logs or counts its statements.
    """
    connection = connections[alias_of_reads()]
    was_kept = connection.connection is not None and not connection.in_atomic_block
    try:
        return _fetch_one(connection, statement, parameters)
    except (OperationalError, InterfaceError):
        if not was_kept or not connection.connection.closed:
            raise
    connection.close()
    return _fetch_one(connection, statement, parameters)


def _fetch_one(
    connection: BaseDatabaseWrapper, statement: str, parameters: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    connection.ensure_connection()
    own: Any = connection.connection
    if own.autocommit and not (connection.queries_logged or connection.execute_wrappers):
        with connection.wrap_database_errors:
            return fetch_row(own, statement, parameters)
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrap(_PreparedCursor(own)) as cursor:  # type: ignore[arg-type]
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def plan_once(connection: BaseDatabaseWrapper, **_: object) -> None:
    """On a new connection: allow prepared statements, and keep the first plan of each.

    Django turns them off. PostgreSQL by itself plans these anew each time: it cannot know how few
    partitions the bounds will leave, so the lasting plan looks dear to it.
    """
    connection.connection.prepare_threshold = 0
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
