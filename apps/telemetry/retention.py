"""Retention: what is older than its table's age goes, a partition at a time, never by DELETE.

Samples go only once the archive has them, verified and unchanged since, where ARCHIVE is on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from apps.telemetry import partitions, rollups
from apps.telemetry.archive.closed import MARGIN, IsComplete
from apps.telemetry.archive.turn import our_turn
from apps.telemetry.archive.watch import unchanged_since, watch
from apps.telemetry.clocks import earlier_now
from apps.telemetry.detaching import detach, drop_detached, lock
from apps.telemetry.models.archived import ArchivedCount, ArchivedDay, ArchiveState, WatchedDay
from apps.telemetry.models.rollups import SealedDay
from apps.telemetry.partition_list import Partition, attached
from apps.telemetry.short_lock import TableBusy, with_short_lock

SAMPLES = partitions.TABLE

_COUNTS = """
SELECT s.gpu_id, count(*) FROM {partition} s
 WHERE EXISTS (SELECT 1 FROM telemetry_gpu gpu WHERE gpu.id = s.gpu_id) GROUP BY 1 ORDER BY 1
"""
_CORRECT = """
UPDATE telemetry_latestsample latest SET sample_count = sample_count - gone.rows
  FROM unnest(%s::integer[], %s::integer[]) AS gone (gpu_id, rows)
 WHERE latest.gpu_id = gone.gpu_id
"""
_REMEMBER = """
INSERT INTO telemetry_archivedcount (gpu_id, date, rows)
SELECT gpu_id, %s::date, rows FROM unnest(%s::integer[], %s::integer[]) AS gone (gpu_id, rows)
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of `table` are kept for `age`."""

    table: str
    age: timedelta


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a partition that is too old; `kept` says why it stays."""

    table: str
    partition: str
    kept: str = ""


class Kept(Exception):
    """The partition has to stay for now; the message says why."""


def rules() -> list[Rule]:
    """What the settings say; a table that does not exist has no partitions to drop."""
    return [
        Rule(SAMPLES, settings.RETENTION_RAW),
        Rule("telemetry_rollup_1m", settings.RETENTION_1M),
        Rule("telemetry_rollup_1h", settings.RETENTION_1H),
    ]


def expired(now: datetime) -> list[tuple[Rule, Partition]]:
    """The partitions that are too old as a whole, oldest first in each table."""
    return [
        (rule, partition)
        for rule in rules()
        for partition in attached(rule.table)
        if partition.end + rule.age <= now
    ]


def apply_retention(
    now: datetime | None = None,
    *,
    is_complete: IsComplete = rollups.is_complete,
    margin: timedelta = MARGIN,
    dry_run: bool = False,
) -> Iterator[Outcome]:
    """Drop what is too old, one partition per step of the iteration.

    `is_complete` says whether everything that has to be made of a day's samples is made; a day that
    changed within `margin` stays. Harmless to interrupt and to run again. Raises NotOurTurn.
    """
    now = now or earlier_now()
    with our_turn():
        if not dry_run:
            for rule in rules():
                drop_detached(rule.table)
        for rule, partition in expired(now):
            kept = ""
            try:
                if rule.table == SAMPLES:
                    _drop_samples(partition, now - margin, is_complete, dry_run)
                elif not dry_run:
                    _drop_plain(rule.table, partition.name)
            except (Kept, TableBusy) as reason:
                kept = str(reason)
            yield Outcome(rule.table, partition.name, kept)


def _drop_plain(table: str, partition: str) -> None:
    def take_out(cursor: CursorWrapper) -> None:
        lock(cursor, table)
        detach(cursor, table, partition)

    with_short_lock(table, take_out)
    drop_detached(table)


def _drop_samples(
    partition: Partition, quiet_since: datetime, is_complete: IsComplete, dry_run: bool
) -> None:
    """Drop a day's samples. Raises Kept, and TableBusy."""
    day = partition.day
    if not is_complete(day):
        raise Kept("its roll-ups are not complete yet; the next runs of roll_up make them")
    entries = list(ArchivedDay.objects.filter(date=day))
    if settings.ARCHIVE or entries:
        _check_archive(day, entries, quiet_since)
    elif not dry_run:
        watch(day)
    if dry_run:
        return
    counts = _counts(partition.name)
    archived = sum(entry.rows for entry in entries)
    if entries and archived < sum(counts.values()):
        raise Kept(f"it has {sum(counts.values())} samples and the archive {archived}")
    with_short_lock(SAMPLES, lambda cursor: _take_out(cursor, partition, counts))
    partitions.forget()
    drop_detached(SAMPLES)


def _check_archive(day: date, entries: list[ArchivedDay], quiet_since: datetime) -> None:
    if {entry.state for entry in entries} != {ArchiveState.VERIFIED}:
        raise Kept("it is not archived yet; `manage.py archive` does it")
    since = unchanged_since(day)
    if since is None:
        raise Kept("data came after it was archived; `manage.py archive` archives it again")
    if since > quiet_since:
        raise Kept("it was archived a moment ago, and late data may still come")
    restored = [entry.restored_at for entry in entries if entry.restored_at]
    if restored and max(restored) + settings.RETENTION_RAW > timezone.now():
        raise Kept(f"it was restored at {max(restored):%Y-%m-%d %H:%M} UTC")


def _counts(partition: str) -> dict[int, int]:
    """The samples of each registered GPU; those of a deleted one go unmentioned."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS.format(partition=partition))
        return dict(cursor.fetchall())


def _take_out(cursor: CursorWrapper, partition: Partition, counts: dict[int, int]) -> None:
    """In one transaction: the partition goes, and what is known of its rows with it."""
    day = partition.day
    lock(cursor, SAMPLES)
    # Nobody writes any more: what is unchanged now stays so.
    if unchanged_since(day) is None:
        raise Kept("data came at the last moment; `manage.py archive` archives it again")
    entries = ArchivedDay.objects.select_for_update().filter(date=day)
    if any(entry.state != ArchiveState.VERIFIED for entry in entries):
        raise Kept("it is being archived at this moment")
    detach(cursor, SAMPLES, partition.name)
    gpus, rows = list(counts), list(counts.values())
    cursor.execute(_CORRECT, [gpus, rows])
    SealedDay.objects.get_or_create(day=day)
    if entries:
        ArchivedDay.objects.filter(date=day).update(state=ArchiveState.ALONE)
        ArchivedCount.objects.filter(date=day).delete()
        cursor.execute(_REMEMBER, [day, gpus, rows])
    WatchedDay.objects.filter(date=day).delete()
