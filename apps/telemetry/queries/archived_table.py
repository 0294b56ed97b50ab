"""Archived samples in a temporary table, for statements that read more than fit in a parameter.

The table is on the primary's disk for the time of a transaction; memory holds a row group.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.telemetry.queries.archived_count import archived_days
from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.replica import reads_must_write

TABLE = "archived_sample"
_CREATE = f"""
DROP TABLE IF EXISTS pg_temp.{TABLE};
CREATE TEMPORARY TABLE {TABLE} (LIKE telemetry_sample) ON COMMIT DROP
"""


@contextmanager
def archived_table(
    choice: GpuChoice, start: datetime | None, end: datetime | None, columns: Sequence[str]
) -> Iterator[None]:
    """TABLE has the chosen GPUs' samples of a window that the archive alone has.

    Reads inside go to the primary. Raises ArchiveFailed.
    """
    with transaction.atomic(), connection.cursor() as cursor, reads_must_write():
        stay(cursor)
        create(cursor)
        fill(cursor, choice, start, end, columns)
        yield


def stay(cursor: CursorWrapper) -> None:
    """Until the transaction ends no day leaves the samples."""
    cursor.execute("LOCK TABLE telemetry_sample IN ACCESS SHARE MODE")


def create(cursor: CursorWrapper) -> None:
    """Make the table, empty; within a transaction."""
    cursor.execute(_CREATE)


def fill(
    cursor: CursorWrapper,
    choice: GpuChoice,
    start: datetime | None,
    end: datetime | None,
    columns: Sequence[str],
) -> None:
    """Put these samples, and no others, into the table. Raises ArchiveFailed."""
    # pyarrow takes 40 MB and a tenth of a second.
    from apps.telemetry.archive.finding import Wanted  # noqa: PLC0415
    from apps.telemetry.archive.reading import archived_tables  # noqa: PLC0415
    from apps.telemetry.archive.text import csv_text  # noqa: PLC0415

    cursor.execute(f"TRUNCATE {TABLE}")
    days = [one.day for one in archived_days(choice, start, end).days]
    cursor.execute(
        f"SELECT gpu.uuid, gpu.id FROM {GPUS} WHERE true {choice.conditions}", choice.parameters
    )
    keys = dict(cursor.fetchall())
    names = ["timestamp", *columns]
    copy_in = f"COPY {TABLE} (gpu_id, {', '.join(names)}) FROM STDIN (FORMAT csv)"
    for table in archived_tables(days, Wanted(sorted(keys), start, end, names)):
        # Each has a COPY of its own: finding the next one asks the same connection.
        with cursor.copy(copy_in) as copy:
            copy.write(csv_text(table, keys, names))
    cursor.execute(f"CREATE INDEX IF NOT EXISTS {TABLE}_key ON {TABLE} (gpu_id, timestamp)")
    cursor.execute(f"ANALYZE {TABLE}")
