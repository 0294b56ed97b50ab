"""Whether everything that has to be made of a day's samples is made."""

from datetime import UTC, date, datetime, time, timedelta

from django.db import connection

_ROLLED_UP = """
SELECT NOT EXISTS (SELECT 1 FROM telemetry_touched_1m
                    WHERE bucket >= %(start)s AND bucket < %(end)s)
   AND NOT EXISTS (SELECT 1 FROM telemetry_touched_1h
                    WHERE bucket >= %(start)s AND bucket < %(end)s)
   AND NOT EXISTS (SELECT 1 FROM telemetry_rollupwatermark WHERE complete_until < %(end)s)
   AND EXISTS (SELECT 1 FROM telemetry_rollupwatermark)
"""


def is_rolled_up(day: date) -> bool:
    """Whether the roll-ups of the day are complete, and no mark says that they are outdated."""
    start = datetime.combine(day, time.min, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(_ROLLED_UP, {"start": start, "end": start + timedelta(days=1)})
        return bool(cursor.fetchone()[0])
