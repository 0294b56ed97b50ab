"""Archives one UTC day: write, read back, compare, and only then rely on it.

Every step may be the last one that happens: until the end the day's entries say `writing`, which
nobody relies on, and the partition stays. The next run begins again from the partition.
"""

import logging
from collections.abc import Callable
from contextlib import closing
from datetime import date

from django.core.files.storage import Storage, storages
from django.db import transaction
from django.utils import timezone

from apps.telemetry.archive.checksum import as_text, sum_of
from apps.telemetry.archive.failures import ArchiveFailed
from apps.telemetry.archive.names import folder_of
from apps.telemetry.archive.parts import Part, read_parts, remove_parts, write_parts
from apps.telemetry.archive.restore import bring_back, is_alone
from apps.telemetry.archive.source import checksum_of, gpus_of, rows_of
from apps.telemetry.archive.watch import unchanged_since, watch
from apps.telemetry.models.archived import ArchivedDay, ArchiveState

log = logging.getLogger(__name__)

# Called with the rows that were written so far.
Progress = Callable[[int], None]


def is_current(day: date) -> bool:
    """Whether the archive has all that the day's partition has, and nothing has changed since."""
    states = set(ArchivedDay.objects.filter(date=day).values_list("state", flat=True))
    return states == {ArchiveState.VERIFIED} and unchanged_since(day) is not None


def archive_day(day: date, progress: Progress | None = None) -> list[ArchivedDay]:
    """Archive a day that has a partition, all clusters at once; what was archived is replaced.

    Where the archive alone has the day and late data made a partition anew, the day is put
    together first. Raises ArchiveFailed, which leaves the partition as it was, and TableBusy.
    """
    storage = storages["archive"]
    if is_alone(day):
        bring_back(day)
    watch(day)
    with gpus_of(day) as clusters:
        _begin(day, clusters)
        for cluster in _all_clusters(day):
            remove_parts(storage, folder_of(cluster, day))
        days = [_archive(storage, cluster, day, progress) for cluster in clusters]
    _finish(day, days)
    return days


def _begin(day: date, clusters: list[str]) -> None:
    """From here on nobody relies on what the archive has of the day."""
    with transaction.atomic(durable=True):
        if is_alone(day):
            raise ArchiveFailed(f"the partition of {day} was dropped a moment ago")
        ArchivedDay.objects.filter(date=day).update(state=ArchiveState.WRITING)
        for cluster in clusters:
            ArchivedDay.objects.get_or_create(
                date=day, cluster=cluster, defaults={"state": ArchiveState.WRITING}
            )


def _all_clusters(day: date) -> list[str]:
    return list(ArchivedDay.objects.filter(date=day).values_list("cluster", flat=True))


def _archive(storage: Storage, cluster: str, day: date, progress: Progress | None) -> ArchivedDay:
    parts: list[Part] = []
    with closing(rows_of(day, cluster)) as rows:
        for part in write_parts(storage, folder_of(cluster, day), rows):
            parts.append(part)
            if progress:
                progress(part.rows)
    count, checksum = _verify(storage, cluster, day, parts)
    entry = ArchivedDay.objects.get(date=day, cluster=cluster)
    entry.files = [part.as_json() for part in parts]
    entry.rows = count
    entry.bytes = sum(part.bytes for part in parts)
    entry.checksum = checksum
    return entry


def _verify(storage: Storage, cluster: str, day: date, parts: list[Part]) -> tuple[int, str]:
    """Compare what the storage gives back with what PostgreSQL has now.

    Late data between writing and this makes them differ too; the next run archives the day again.
    """
    expected = checksum_of(day, cluster)
    rows = total = 0
    for table in read_parts(storage, [part.name for part in parts]):
        rows += table.num_rows
        total += sum_of(table)
    found = (rows, as_text(total))
    if found != expected:
        raise ArchiveFailed(
            f"{cluster}, {day}: the archive gives back {found[0]} samples with checksum {found[1]}"
            f" and PostgreSQL has {expected[0]} with {expected[1]}. The partition stays and the day"
            " is archived again; if this returns while nothing is written to that day, the"
            " archive's storage changes what it is given"
        )
    return expected


def _finish(day: date, days: list[ArchivedDay]) -> None:
    with transaction.atomic(durable=True):
        # A cluster all of whose GPUs have moved elsewhere has nothing on that day any more.
        ArchivedDay.objects.filter(date=day).exclude(
            cluster__in=[entry.cluster for entry in days]
        ).delete()
        for entry in days:
            entry.state = ArchiveState.VERIFIED
            entry.verified_at = timezone.now()
            entry.save()
            log.info("archived %s: %d samples in %d bytes", entry, entry.rows, entry.bytes)
