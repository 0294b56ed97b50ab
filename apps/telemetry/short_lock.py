"""Work under a table lock that nobody waits long for: given up soon, and tried again."""

from collections.abc import Callable
from typing import TypeVar

import tenacity
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import errors

# While a lock is waited for, whoever comes later waits behind it: this long at most.
LOCK_TIMEOUT_MS = 500
ATTEMPTS = 12

Result = TypeVar("Result")


class TableBusy(RuntimeError):
    """Somebody used the table for the whole time that the lock was tried for."""


def with_short_lock(table: str, work: Callable[[CursorWrapper], Result]) -> Result:
    """What `work` returns, called in a transaction that may lock `table` (named in the error).

    Raises TableBusy after about a minute.
    """
    for attempt in tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_lock_timeout),
        wait=tenacity.wait_random_exponential(multiplier=0.1, max=10),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        retry_error_callback=lambda _: None,
    ):
        with attempt, transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            return work(cursor)
    raise TableBusy(
        f"{table} was in use each of {ATTEMPTS} times; look for a long transaction in"
        " pg_stat_activity, or run this again later"
    )


def _is_lock_timeout(error: BaseException) -> bool:
    return isinstance(error, OperationalError) and isinstance(
        error.__cause__, errors.LockNotAvailable
    )
