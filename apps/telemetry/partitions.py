"""Tables partitioned by time: a partition per UTC day or month, made on demand and ahead of time.

The functions are those of the sample table, which has one per day.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.telemetry.single_run import NAMESPACE


class Period(StrEnum):
    """The time that one partition holds."""

    DAY = "%Y%m%d"
    MONTH = "%Y%m"

    def first_day(self, day: date) -> date:
        """The first day of the period that holds a day."""
        return day if self is Period.DAY else day.replace(day=1)

    def next_first_day(self, day: date) -> date:
        """The first day of the period after the one that holds a day."""
        length = timedelta(days=1 if self is Period.DAY else 32)
        return self.first_day(self.first_day(day) + length)


@dataclass(frozen=True, slots=True)
class PartitionedTable:
    """One partitioned table; `forget` corrects what this process knows of its partitions."""

    table: str
    period: Period
    _known: set[date] = field(default_factory=set)

    def partition_name(self, day: date) -> str:
        """The table that holds a day's rows."""
        return f"{self.table}_{self.period.first_day(day):{self.period.value}}"

    def ensure(self, days: Iterable[date]) -> None:
        """Make the partitions of these days that are missing, each in a transaction of its own.

        Safe for any number of processes at once, and never in the way of readers and writers.
        """
        for day in sorted({self.period.first_day(day) for day in days} - self._known):
            self._create_if_missing(day)
            self._known.add(day)

    def forget(self) -> None:
        """Look every partition up again next time: some partition is gone."""
        self._known.clear()

    def _create_if_missing(self, day: date) -> None:
        """Create apart, then attach.

        `CREATE TABLE … PARTITION OF` would lock the parent against reads and writes; ATTACH does
        not.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            if self._exists(cursor, day):
                return
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [NAMESPACE, self.table]
            )
            if self._exists(cursor, day):  # another process made it while this one waited
                return
            name = self.partition_name(day)
            cursor.execute(f"CREATE TABLE {name} (LIKE {self.table} INCLUDING ALL)")
            cursor.execute(
                f"ALTER TABLE {self.table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
                [_midnight(day), _midnight(self.period.next_first_day(day))],
            )

    def _exists(self, cursor: CursorWrapper, day: date) -> bool:
        """Whether the day's partition is attached; a detached table of its name does not count."""
        cursor.execute(
            "SELECT 1 FROM pg_inherits"
            " WHERE inhparent = %s::regclass AND inhrelid = to_regclass(%s)",
            [self.table, self.partition_name(day)],
        )
        return cursor.fetchone() is not None


SAMPLES = PartitionedTable("telemetry_sample", Period.DAY)
TABLE = SAMPLES.table
partition_name = SAMPLES.partition_name
ensure = SAMPLES.ensure
forget = SAMPLES.forget


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
