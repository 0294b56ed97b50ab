"""The rows of a cluster's day, as PostgreSQL sends them: sorted, in tables of columns."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date

import pyarrow as pa
from django.db import connection
from pyarrow import csv

from apps.telemetry.archive.checksum import as_text, hash_sql, uuid_seed
from apps.telemetry.archive.schema import COLUMNS, DESCRIPTION, SCHEMA
from apps.telemetry.partitions import partition_name

# So much text is parsed at a time.
BLOCK_BYTES = 8 << 20

# An index probe for each registered GPU: the partition is not read.
_CHOOSE = """
CREATE TEMPORARY TABLE archive_gpu AS
SELECT gpu.id AS gpu_id, gpu.uuid, gpu.gpu_index, gpu.model_name, host.hostname,
       cluster.slug AS cluster, 0::bigint AS seed
  FROM telemetry_gpu gpu
  JOIN telemetry_host host ON host.id = gpu.host_id
  JOIN telemetry_cluster cluster ON cluster.id = host.cluster_id
 WHERE EXISTS (SELECT 1 FROM {partition} s WHERE s.gpu_id = gpu.id)
"""
_SEEDS = """
UPDATE archive_gpu SET seed = given.seed
  FROM unnest(%s::text[], %s::bigint[]) AS given (uuid, seed) WHERE given.uuid = archive_gpu.uuid
"""
_READ = """
COPY (SELECT {columns} FROM {partition} s JOIN archive_gpu gpu USING (gpu_id)
       WHERE gpu.cluster = %s ORDER BY gpu.uuid COLLATE "C", s.timestamp)
  TO STDOUT (FORMAT csv)
"""
_SUM = """
SELECT count(*), coalesce(sum({hash}::numeric), 0)
  FROM {partition} s JOIN archive_gpu gpu USING (gpu_id) WHERE gpu.cluster = %s
"""
_OF_THE_GPU = ("uuid", *DESCRIPTION)


@contextmanager
def gpus_of(day: date) -> Iterator[list[str]]:
    """The clusters with samples on that day; inside, their GPUs stay as they were found.

    A GPU that moves meanwhile is archived where it was at the beginning, once.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS archive_gpu")
        cursor.execute(_CHOOSE.format(partition=partition_name(day)))
        try:
            cursor.execute("SELECT uuid FROM archive_gpu")
            uuids = [uuid for (uuid,) in cursor.fetchall()]
            cursor.execute(_SEEDS, [uuids, [uuid_seed(uuid) for uuid in uuids]])
            cursor.execute("ANALYZE archive_gpu")
            cursor.execute("SELECT DISTINCT cluster FROM archive_gpu ORDER BY 1")
            yield [cluster for (cluster,) in cursor.fetchall()]
        finally:
            cursor.execute("DROP TABLE IF EXISTS archive_gpu")


def rows_of(day: date, cluster: str) -> Generator[pa.Table]:
    """The samples by GPU and time, as tables of some ten thousand rows; within `gpus_of`.

    PostgreSQL sorts, in its work_mem and on its disk.
    """
    columns = ", ".join(f"{'gpu' if name in _OF_THE_GPU else 's'}.{name}" for name in COLUMNS)
    statement = _READ.format(columns=columns, partition=partition_name(day))
    # The inner cursor: Django's of DEBUG takes no parameters here.
    with connection.cursor() as cursor, cursor.cursor.copy(statement, [cluster]) as copy:
        block: list[bytes] = []
        size = 0
        for line in copy:
            block.append(bytes(line))
            size += len(line)
            if size >= BLOCK_BYTES:
                yield _table(block)
                block, size = [], 0
        if block:
            yield _table(block)


def checksum_of(day: date, cluster: str) -> tuple[int, str]:
    """How many samples there are and their checksum, computed by PostgreSQL; within `gpus_of`."""
    statement = _SUM.format(hash=hash_sql("s", "gpu.seed"), partition=partition_name(day))
    with connection.cursor() as cursor:
        cursor.execute(statement, [cluster])
        count, total = cursor.fetchone()
    return count, as_text(int(total))


def _table(lines: list[bytes]) -> pa.Table:
    return csv.read_csv(
        pa.BufferReader(b"".join(lines)),
        csv.ReadOptions(column_names=list(COLUMNS), use_threads=False),
        # A value that is not quoted is no text: PostgreSQL quotes the empty one.
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=SCHEMA, null_values=[""], strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ).cast(SCHEMA)  # fmt: skip
