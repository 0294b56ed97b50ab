"""Notices what changes in the partition of a past day, whoever writes it.

A trigger of that partition alone notes the time; days that nobody watches cost their writers
nothing. Setting it waits for every writer that has begun, so that what was written before is seen
by whoever reads after, and what is written later is noted.
"""

from datetime import date, datetime

from django.db.backends.utils import CursorWrapper
from django.db.models.functions import Now

from apps.telemetry.models.archived import WatchedDay
from apps.telemetry.partitions import TABLE, partition_name
from apps.telemetry.short_lock import with_short_lock

# The trigger's function is made by the migration of WatchedDay.
_TRIGGER = """
CREATE OR REPLACE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON {partition}
FOR EACH ROW EXECUTE FUNCTION telemetry_note_change('{day}')
"""


def watch(day: date) -> None:
    """From now on, changes of the day are noted; earlier ones are forgotten. Raises TableBusy."""
    partition = partition_name(day)

    def begin(cursor: CursorWrapper) -> None:
        cursor.execute(f"LOCK TABLE {partition} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(_TRIGGER.format(partition=partition, day=day))
        WatchedDay.objects.update_or_create(
            date=day, defaults={"watched_at": Now(), "touched_at": None}
        )

    with_short_lock(TABLE, begin)


def unchanged_since(day: date) -> datetime | None:
    """Since when the day is watched and as it was; None if it changed or nobody watches it."""
    watched = WatchedDay.objects.filter(date=day, touched_at=None).first()
    return watched.watched_at if watched else None


def last_change(day: date) -> datetime | None:
    """When a watched day was last seen to change."""
    watched = WatchedDay.objects.filter(date=day).first()
    return watched.touched_at if watched else None
