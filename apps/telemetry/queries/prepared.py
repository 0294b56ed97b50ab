"""One row of a prepared statement, from the connection that reads use at this moment."""

from collections.abc import Mapping
from typing import Any

from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.telemetry.prepared_cursor import prepared_cursor
from apps.telemetry.queries.wire import fetch_row
from apps.telemetry.replica import alias_of_reads


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
    with prepared_cursor(connection) as cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
