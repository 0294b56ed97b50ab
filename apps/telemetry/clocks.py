"""What time it is, where a wrong clock would cost data."""

from datetime import datetime

from django.db import connection
from django.utils import timezone


def earlier_now() -> datetime:
    """By this machine's clock or PostgreSQL's, the earlier one.

    What goes when it is old goes late by a clock that is behind, and never early by one that is
    ahead, unless both are.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        of_postgresql: datetime = cursor.fetchone()[0]
    return min(timezone.now(), of_postgresql)
