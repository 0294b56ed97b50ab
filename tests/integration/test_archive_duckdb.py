"""DuckDB answers from the archive what PostgreSQL answers from the samples."""

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
from django.db import connection

from apps.telemetry.archive.day import archive_day
from apps.telemetry.ingest import store
from apps.telemetry.metrics import METRIC_NAMES
from tests.integration.archiving import at, fill
from tests.integration.records import record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "no_history"),
]
DOCUMENT = Path(__file__).parents[2] / "docs" / "history.md"
DAYS = [date(2026, 1, 30), date(2026, 1, 31)]


@pytest.fixture
def archive(no_history):
    """The folder of an archive of two days and two clusters, and a file whose power is floats."""
    for day in DAYS:
        fill(3, 8, day, "default")
        fill(1, 2, day, "other", hostname="elsewhere", uuid="GPU-other")
    store("default", [record(1, 0, timestamp=at(9, DAYS[1]), power_draw=65.12345678901234)])
    for day in DAYS:
        archive_day(day)
    return no_history


def in_duckdb(statement):
    with duckdb.connect() as connection:
        return connection.execute(statement).fetchall()


def in_postgresql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_the_documented_query_gives_what_postgresql_gives(archive):
    (query,) = re.findall(r"-- DuckDB: .*?```", DOCUMENT.read_text(), re.S)
    found = in_duckdb(query.removesuffix("```").replace("var/archive", str(archive)))
    expected = in_postgresql("""
        SELECT (s.timestamp AT TIME ZONE 'UTC')::date, hostname, sum(power_draw) * 10 / 3.6e6
          FROM telemetry_sample s JOIN telemetry_gpu gpu ON gpu.id = s.gpu_id
          JOIN telemetry_host host ON host.id = host_id
          JOIN telemetry_cluster cluster ON cluster.id = cluster_id
         WHERE slug = 'default' GROUP BY 1, 2 ORDER BY 3 DESC
    """)
    assert len(expected) == len(DAYS)
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in expected], rel=1e-12)


def test_every_value_of_every_sample_is_the_same(archive):
    names = ", ".join(METRIC_NAMES)
    found = in_duckdb(
        f"SELECT uuid, epoch_us(timestamp), hostname, {names}, extra FROM read_parquet("
        f"'{archive}/*/*/*.parquet', hive_partitioning = true, union_by_name = true) ORDER BY 1, 2"
    )
    expected = in_postgresql(f"""
        SELECT uuid, (extract(epoch FROM timestamp) * 1000000)::bigint, hostname,
               {", ".join(f"s.{name}" for name in METRIC_NAMES)}, extra::text
          FROM telemetry_sample s JOIN telemetry_gpu gpu ON gpu.id = gpu_id
          JOIN telemetry_host host ON host.id = host_id ORDER BY uuid COLLATE "C", timestamp
    """)
    # DuckDB gives `real` as the double nearest to it; PostgreSQL's text is the shortest.
    assert [[_rounded(value) for value in row] for row in found] == [
        [_rounded(value) for value in row] for row in expected
    ]
    assert 65.12345678901234 in {value for row in found for value in row}


def _rounded(value):
    return float(f"{value:.6g}") if isinstance(value, float) and value < 60 else value
