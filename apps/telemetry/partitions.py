"""The partitions of the sample table: one per UTC day, made on demand and ahead of time."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.telemetry.single_run import NAMESPACE

TABLE = "telemetry_sample"

# Days known to have their partition; `forget` corrects it once retention has dropped one.
_known: set[date] = set()


def partition_name(day: date) -> str:
    """The table that holds a day's samples."""
    return f"{TABLE}_{day:%Y%m%d}"


def ensure(days: Iterable[date]) -> None:
    """Make the partitions of these days that do not exist yet, each in its own transaction.

    Safe for any number of processes at once, and never in the way of readers and writers.
    """
    for day in sorted(set(days) - _known):
        _create_if_missing(day)
        _known.add(day)


def forget() -> None:
    """Look every day up again next time: some partition is gone."""
    _known.clear()


def _create_if_missing(day: date) -> None:
    """Create apart, then attach.

    `CREATE TABLE … PARTITION OF` would lock the parent against reads and writes; ATTACH does not.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if _exists(cursor, day):
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [NAMESPACE, TABLE])
        if _exists(cursor, day):  # another process made it while this one waited
            return
        name = partition_name(day)
        cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL)")
        cursor.execute(
            f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
            [_midnight(day), _midnight(day + timedelta(days=1))],
        )


def _exists(cursor: CursorWrapper, day: date) -> bool:
    """Whether the day's partition is attached; a detached table of its name does not count."""
    cursor.execute(
        "SELECT 1 FROM pg_inherits WHERE inhparent = %s::regclass AND inhrelid = to_regclass(%s)",
        [TABLE, partition_name(day)],
    )
    return cursor.fetchone() is not None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
