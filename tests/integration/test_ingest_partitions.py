"""The partitions of the sample table: one per UTC day, made as they are needed."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from apps.telemetry import partitions
from apps.telemetry.ingest import store
from apps.telemetry.prepared_cursor import keep_to_indexes
from tests.integration.records import record, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

DAY = date(2031, 5, 4)


def attached():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'telemetry_sample'::regclass"
        )
        return {name for (name,) in cursor.fetchall()}


def rows_in(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


@pytest.fixture
def no_partition():
    """DAY has none, before and after."""

    def drop():
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {partitions.partition_name(DAY)}")
        partitions.forget()

    drop()
    yield
    drop()


def test_a_batch_of_many_days_makes_their_partitions():
    times = [datetime(2024, 2, 27, 12, tzinfo=UTC) + timedelta(days=day) for day in range(40)]
    store("lab", [record(timestamp=at, power_draw=1) for at in reversed(times)])
    assert [sample.timestamp for sample in stored()] == times
    assert {"telemetry_sample_20240229", "telemetry_sample_20240301"} <= attached()
    assert rows_in("telemetry_sample_20240229") == 1


def test_a_day_is_the_day_in_utc():
    midnight = datetime(2024, 7, 1, tzinfo=UTC)
    store("lab", [record(timestamp=midnight), record(timestamp=midnight - timedelta.resolution)])
    assert rows_in("telemetry_sample_20240630") == rows_in("telemetry_sample_20240701") == 1


def test_making_partitions_again_is_no_error(no_partition):
    partitions.ensure([DAY])
    partitions.forget()
    partitions.ensure([DAY, DAY])
    assert partitions.partition_name(DAY) in attached()


def test_a_partition_has_the_key_of_the_table(no_partition):
    partitions.ensure([DAY])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index "
            "WHERE indrelid = to_regclass(%s) AND indisprimary",
            [partitions.partition_name(DAY)],
        )
        (definition,) = cursor.fetchone()
    assert '(gpu_id, "timestamp")' in definition
    assert "fillfactor" in definition


def test_a_partition_that_retention_dropped_is_made_anew(no_partition):
    at = datetime(2031, 5, 4, 12, tzinfo=UTC)
    store("lab", [record(timestamp=at)])
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {partitions.partition_name(DAY)}")
    store("lab", [record(timestamp=at, power_draw=2)])
    assert [sample.power_draw for sample in stored()] == [2]


def test_a_partition_can_be_made_while_others_read_and_write(no_partition):
    store("lab", [record(0, 0)])
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT count(*) FROM telemetry_sample")
        other.execute("UPDATE telemetry_sample SET temperature = 1")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        partitions.ensure([DAY])
        assert partitions.partition_name(DAY) in attached()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def test_a_plan_that_was_made_while_a_day_was_empty_goes_by_its_index(no_partition):
    """It is kept while the day fills, by every collector for as long as it lives."""
    partitions.ensure([DAY])
    name = partitions.partition_name(DAY)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {name}")  # without it, PostgreSQL takes ten pages for given
    connection.close()
    connection_created.connect(keep_to_indexes)  # as runcollector does
    try:
        store("lab", [record(timestamp=datetime(2031, 5, 4, 12, tzinfo=UTC), power_draw=1)])
    finally:
        connection_created.disconnect(keep_to_indexes)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM pg_prepared_statements"
            " WHERE statement LIKE '%INSERT INTO telemetry_latestsample%'"
        )
        ((statement,),) = cursor.fetchall()
        # Of the day, in the order of the statement: GPUs, their newest, added, first and last.
        asked = "NULL, NULL, NULL, '2031-05-04', '2031-05-05', NULL, NULL, NULL, NULL"
        cursor.execute(f"EXPLAIN EXECUTE {statement} ({asked})")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    connection.close()
    assert f"Index Scan using {name}_pkey" in plan
    assert f"Seq Scan on {name}" not in plan


def test_there_is_no_default_partition():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT partdefid FROM pg_partitioned_table "
            "WHERE partrelid = 'telemetry_sample'::regclass"
        )
        assert cursor.fetchone() == (0,)
