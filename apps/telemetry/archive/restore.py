"""Loads an archived day back into its partition, in one transaction.

Rows that are in the partition already, late data that came since, keep their values and take from
the archive what they lack: the later record wins, as it does in the table.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
from django.core.files.storage import storages
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from apps.telemetry import partitions
from apps.telemetry.archive.checksum import as_text, sum_of
from apps.telemetry.archive.failures import ArchiveFailed
from apps.telemetry.archive.parts import read_parts
from apps.telemetry.archive.schema import COLUMNS, DESCRIPTION, as_now
from apps.telemetry.archive.text import as_csv
from apps.telemetry.ingest.inventory import register
from apps.telemetry.ingest.rows import COLUMNS as SAMPLE_COLUMNS
from apps.telemetry.models import Gpu, SealedDay
from apps.telemetry.models.archived import ArchivedCount, ArchivedDay, ArchiveState
from apps.telemetry.records import Record

_GIVEN = tuple(name for name in COLUMNS if name not in DESCRIPTION)
_metrics = SAMPLE_COLUMNS[2:]
_filled = ", ".join(f"coalesce(s.{name}, excluded.{name})" for name in _metrics[:-1])
_STAGING = f"""
CREATE TEMPORARY TABLE archive_staging ON COMMIT DROP AS
SELECT ''::text AS uuid, timestamp, {", ".join(_metrics)} FROM telemetry_sample WHERE false
"""
_COPY = f"COPY archive_staging ({', '.join(_GIVEN)}) FROM STDIN (FORMAT csv)"
# Into the partition itself, which tells the rows that were there: their xmax is set.
_INSERT = f"""
WITH restored AS (
  INSERT INTO {{partition}} AS s ({", ".join(SAMPLE_COLUMNS)})
  SELECT gpu.id, {", ".join(f"given.{name}" for name in SAMPLE_COLUMNS[1:])}
    FROM archive_staging given JOIN telemetry_gpu gpu USING (uuid) ORDER BY gpu.id, given.timestamp
  ON CONFLICT (gpu_id, timestamp) DO UPDATE SET ({", ".join(_metrics)}) = ROW (
    {_filled}, coalesce(excluded.extra || s.extra, s.extra, excluded.extra))
  RETURNING gpu_id, xmax = 0 AS is_new)
SELECT gpu_id, count(*) FILTER (WHERE is_new) FROM restored GROUP BY gpu_id
"""
# A GPU that was deleted and registered again has no latest sample yet.
_COUNT = f"""
INSERT INTO telemetry_latestsample AS latest ({", ".join(SAMPLE_COLUMNS)}, sample_count)
SELECT {", ".join(f"s.{name}" for name in SAMPLE_COLUMNS)}, added.rows
  FROM unnest(%(gpus)s::integer[], %(rows)s::integer[]) AS added (gpu_id, rows),
       LATERAL (SELECT * FROM telemetry_sample s WHERE s.gpu_id = added.gpu_id
                   AND s.timestamp >= %(from)s::timestamptz AND s.timestamp < %(to)s::timestamptz
                 ORDER BY s.timestamp DESC LIMIT 1) s
 ORDER BY s.gpu_id
ON CONFLICT (gpu_id) DO UPDATE SET sample_count = latest.sample_count + excluded.sample_count
"""


# What came while the day was sealed was summed up without the samples that the archive has.
_MARK_LATE = """
INSERT INTO telemetry_touched_1m (bucket, gpu_ids)
SELECT date_trunc('minute', timestamp), range_agg(int4range(gpu_id, gpu_id + 1))
  FROM {partition} GROUP BY 1
"""


def is_alone(day: date) -> bool:
    """Whether the archive alone has the day, but for what came since."""
    return ArchivedDay.objects.filter(date=day, state=ArchiveState.ALONE).exists()


def bring_back(day: date, progress: Callable[[int], None] | None = None) -> int:
    """Load a day that the archive alone has; how many samples the archive gave.

    `progress` is called with how many were loaded so far.

    Readers see all of it in the table at once, and until then the archive's. The next archive run
    archives the day again. Raises ArchiveFailed, which leaves everything as it was.
    """
    partitions.ensure([day])
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        entries = list(
            ArchivedDay.objects.select_for_update()
            .filter(date=day, state=ArchiveState.ALONE)
            .order_by("cluster")
        )
        cursor.execute(_STAGING)
        partition = partitions.partition_name(day)
        cursor.execute(_MARK_LATE.format(partition=partition))
        insert = _INSERT.format(partition=partition)
        added: Counter[int] = Counter()
        for entry in entries:
            for found in _load(cursor, entry, insert):
                added += found
                if progress:
                    progress(added.total())
        _correct_counts(cursor, day, added)
        ArchivedCount.objects.filter(date=day).delete()
        SealedDay.objects.filter(day=day).delete()
        ArchivedDay.objects.filter(pk__in=[entry.pk for entry in entries]).update(
            state=ArchiveState.VERIFIED, restored_at=timezone.now()
        )
    return sum(entry.rows for entry in entries)


def _load(cursor: CursorWrapper, entry: ArchivedDay, insert: str) -> Iterator[Counter[int]]:
    """Store an entry's samples, part by part; how many of each GPU were not there."""
    for table in _checked(entry):
        _register(entry.cluster, table)
        with cursor.copy(_COPY) as copy:
            copy.write(as_csv(as_now(table).select(list(_GIVEN))))
        cursor.execute(insert)
        yield Counter(dict(cursor.fetchall()))
        cursor.execute("TRUNCATE archive_staging")


def _checked(entry: ArchivedDay) -> Iterator[pa.Table]:
    """The entry's rows; at their end it is known whether they are those that were archived."""
    rows = total = 0
    for table in read_parts(storages["archive"], [file["name"] for file in entry.files]):
        rows += table.num_rows
        total += sum_of(table)
        yield table
    if (rows, as_text(total)) != (entry.rows, entry.checksum):
        raise ArchiveFailed(
            f"the archive of {entry} gives {rows} samples with checksum {as_text(total)} and had"
            f" {entry.rows} with {entry.checksum}; nothing was restored. Bring its files back from"
            " a backup of the archive"
        )


def _register(cluster: str, table: pa.Table) -> None:
    """Register again what an operator has deleted: its samples are nowhere else."""
    described = table.select(["uuid", *DESCRIPTION]).group_by(["uuid", *DESCRIPTION]).aggregate([])
    rows = {row["uuid"]: row for row in described.to_pylist()}
    known = set(Gpu.objects.filter(uuid__in=rows).values_list("uuid", flat=True))
    at = table["timestamp"][0].as_py().astimezone(UTC)
    missing = [
        Record(
            timestamp=at, gpu_id=row["gpu_index"], hostname=row["hostname"], uuid=uuid,
            model_name=row["model_name"],
        )
        for uuid, row in rows.items() if uuid not in known
    ]  # fmt: skip
    if missing:
        register(cluster, missing)


def _correct_counts(cursor: CursorWrapper, day: date, added: Counter[int]) -> None:
    start = datetime.combine(day, time.min, tzinfo=UTC)
    gpus = sorted(added)
    parameters: dict[str, Any] = {
        "gpus": gpus, "rows": [added[gpu] for gpu in gpus],
        "from": start, "to": start + timedelta(days=1),
    }  # fmt: skip
    cursor.execute(_COUNT, parameters)
