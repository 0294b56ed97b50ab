"""Runs a periodic task as a management command."""

from collections.abc import Callable

from django.core.management.base import CommandError
from django.db import OperationalError


def once(task: Callable[[], bool]) -> None:
    """Run it now. Raises CommandError while it runs elsewhere and when PostgreSQL is away."""
    try:
        ran = task()
    except OperationalError as error:
        raise CommandError(
            f"PostgreSQL: {str(error).strip()}\nIs it running? See DATABASE_URL"
        ) from error
    if not ran:
        raise CommandError("it runs elsewhere at this moment; let that run finish")
