"""Finds the records that PostgreSQL refuses, however many, in one statement that stores nothing."""

from collections.abc import Sequence

from django.db import connection, transaction

from apps.telemetry import partitions
from apps.telemetry.ingest.rows import COLUMNS, TYPES, days_of, rows_of
from apps.telemetry.ingest.store import registry
from apps.telemetry.records import Record

_columns = ", ".join(COLUMNS)
_values = ", ".join(f"one.{name}" for name in COLUMNS)


def _replaced(columns: Sequence[str]) -> str:
    return f"SET ({', '.join(columns)}) = ROW ({', '.join(f'excluded.{name}' for name in columns)})"


_STAGING = """
CREATE TEMPORARY TABLE telemetry_trial (LIKE telemetry_sample) ON COMMIT DROP;
ALTER TABLE telemetry_trial ADD COLUMN number integer;
CREATE TEMPORARY TABLE telemetry_refused (number integer, reason text) ON COMMIT DROP;
"""
_COPY = f"COPY telemetry_trial ({_columns}, number) FROM STDIN (FORMAT binary)"
# Each row in a subtransaction that is undone whatever comes of it, so its locks last no longer.
# What is no row's fault (a missing table or right) ends the statement. Foreign keys are checked at
# commit, when nothing is left to check: `store` deals with deleted GPUs.
_TRY = f"""
DO $$
DECLARE one telemetry_trial;
BEGIN
    FOR one IN SELECT * FROM telemetry_trial LOOP
        BEGIN
            INSERT INTO telemetry_sample ({_columns}) VALUES ({_values})
                ON CONFLICT (gpu_id, timestamp) DO UPDATE {_replaced(COLUMNS[2:])};
            INSERT INTO telemetry_latestsample ({_columns}) VALUES ({_values})
                ON CONFLICT (gpu_id) DO UPDATE {_replaced(COLUMNS[1:])};
            RAISE SQLSTATE 'TRIAL';
        EXCEPTION
            WHEN SQLSTATE 'TRIAL' THEN NULL;
            WHEN data_exception OR integrity_constraint_violation OR raise_exception
                OR statement_too_complex THEN
                INSERT INTO telemetry_refused VALUES (one.number, SQLERRM);
        END;
    END LOOP;
END $$
"""


def refused(cluster: str, records: Sequence[Record]) -> dict[int, str]:
    """The places of those that PostgreSQL would refuse by themselves, and why.

    It takes about 0.1 ms a record. Raises what `store` raises.
    """
    gpu_ids, _ = registry.gpu_ids(cluster, records)
    rows = [rows_of([one], [gpu_id])[0] for one, gpu_id in zip(records, gpu_ids, strict=True)]
    partitions.forget()  # one that is missing must not look like the fault of a row
    partitions.ensure(days_of(rows))
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_STAGING)
        with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            copy.set_types((*TYPES, "integer"))
            for number, row in enumerate(rows):
                copy.write_row((*row, number))
        cursor.execute(_TRY)
        cursor.execute("SELECT number, reason FROM telemetry_refused")
        return dict(cursor.fetchall())
