"""Whole days, for whoever drops samples or brings them back."""

from datetime import UTC, date, datetime, time, timedelta

from django.db import connection

from apps.telemetry.models import RollupWatermark, TouchedHour, TouchedMinute
from apps.telemetry.rollups.levels import HOUR, MINUTE

_MARK_DAY = f"""
INSERT INTO {MINUTE.touched} (bucket, gpu_ids)
SELECT minute, gpus.ids
  FROM (SELECT range_agg(int4range(id, id + 1)) AS ids FROM telemetry_gpu) gpus,
       generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 minute',
                       interval '1 minute') AS minute
 WHERE gpus.ids IS NOT NULL
"""


def is_complete(day: date) -> bool:
    """Whether all that a day (UTC) amounts to is rolled up, for as much of it as is committed."""
    start, end = _bounds(day)
    until = dict(RollupWatermark.objects.values_list("resolution", "complete_until"))
    never = datetime.min.replace(tzinfo=UTC)
    return (
        min(until.get(level.name, never) for level in (MINUTE, HOUR)) >= end
        and not TouchedMinute.objects.filter(bucket__gte=start, bucket__lt=end).exists()
        and not TouchedHour.objects.filter(bucket__gte=start, bucket__lt=end).exists()
    )


def mark_day(day: date) -> None:
    """Have `roll_up` make everything of a day anew, in the transaction of who changes its samples.

    A minute without samples stays as it is.
    """
    start, end = _bounds(day)
    with connection.cursor() as cursor:
        cursor.execute(_MARK_DAY, {"start": start, "end": end})


def _bounds(day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time.min, tzinfo=UTC)
    return start, start + timedelta(days=1)
