"""Every migration runs beside writers, and leaves the samples where they lie."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

# A writer that waits longer for a lock than this would have been noticed by people.
WRITER_WAITS = "1s"
FIRST = ("telemetry", "0001_initial")
ADD_DAY = """
CREATE TABLE telemetry_sample_20250718 PARTITION OF telemetry_sample
   FOR VALUES FROM ('2025-07-18') TO ('2025-07-19')
"""
FILL = """
INSERT INTO telemetry_sample (gpu_id, timestamp, power_draw)
SELECT g, '2025-07-18'::timestamptz + make_interval(secs => s), g + s
  FROM generate_series(1, 50) g, generate_series(1, 400) s
"""
WRITE = """
INSERT INTO telemetry_sample (gpu_id, timestamp, power_draw)
SELECT g, '2025-07-18 12:00'::timestamptz + make_interval(secs => %s), 1
  FROM generate_series(1, 50) g
"""
FILES = """
SELECT relname, pg_relation_filenode(oid) FROM pg_class
 WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'telemetry_sample'::regclass)
    OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'telemetry_sample_20250718'::regclass)
"""  # noqa: E501


@pytest.fixture
def empty_database(transactional_db) -> Iterator[str]:
    """Django's default connection leads to an empty database meanwhile; its address."""
    chosen = connections["default"].settings_dict
    before = chosen["NAME"]
    name = f"{before}_migrations"
    server = psycopg.conninfo.make_conninfo(
        host=chosen["HOST"], port=chosen["PORT"], user=chosen["USER"], password=chosen["PASSWORD"]
    )
    with psycopg.connect(server, dbname="postgres", autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
        connections["default"].close()
        chosen["NAME"] = name
        try:
            yield psycopg.conninfo.make_conninfo(server, dbname=name)
        finally:
            connections["default"].close()
            chosen["NAME"] = before
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def writing(address: str) -> Iterator[list[int]]:
    """A writer that commits one second of 50 GPUs after another; its failure is the test's."""
    stop = threading.Event()
    written: list[int] = []
    failed: list[psycopg.Error] = []

    def write() -> None:
        with psycopg.connect(address, options=f"-c lock_timeout={WRITER_WAITS}") as writer:
            try:
                while not stop.is_set():
                    writer.execute(WRITE, [len(written)])
                    stop.wait(0.01)  # the transaction stays open for a moment
                    writer.commit()
                    written.append(1)
            except psycopg.Error as error:
                failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()
    assert not failed, f"a writer was held up: {failed[0]}"


def test_migrations_neither_stop_writers_nor_rewrite_or_index_the_samples(empty_database):
    executor = MigrationExecutor(connections["default"])
    executor.migrate([FIRST])
    with psycopg.connect(empty_database, autocommit=True) as watcher:
        watcher.execute(ADD_DAY)
        watcher.execute(FILL)
        files = watcher.execute(FILES).fetchall()
        leaves = MigrationExecutor(connections["default"]).loader.graph.leaf_nodes()
        with writing(empty_database) as written:
            for migration, _ in MigrationExecutor(connections["default"]).migration_plan(leaves):
                MigrationExecutor(connections["default"]).migrate(
                    [(migration.app_label, migration.name)]
                )
                assert watcher.execute(FILES).fetchall() == files, migration
        assert written
        found = watcher.execute("SELECT count(*) FROM telemetry_sample").fetchone()
    assert found == (50 * 400 + 50 * len(written),)
