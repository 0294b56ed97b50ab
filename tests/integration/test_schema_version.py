"""The tables and the code are of one version, or nothing starts that needs them."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from apps.telemetry.schema_version import SchemaAhead, SchemaBehind, require_schema
from workers.management.schema import check_schema_version

ROOT = Path(__file__).parents[2]
WORKERS = {
    "collector": ["manage.py", "runcollector"],
    "pipeline": ["manage.py", "runpipeline"],
    "uploads": ["manage.py", "runstreamer", "--uploads"],
    "gateway": ["manage.py", "rungateway", "--port", "8437"],
    "tasks": ["-m", "celery", "-A", "telemetry_project", "worker", "--pool", "solo"],
}


@pytest.fixture
def newer(transactional_db):
    """A migration that only a later version knows."""
    recorder = MigrationRecorder(connection)
    recorder.record_applied("telemetry", "9999_of_tomorrow")
    yield
    recorder.record_unapplied("telemetry", "9999_of_tomorrow")


@pytest.fixture
def older(transactional_db):
    """The newest migration was not run."""
    recorder = MigrationRecorder(connection)
    ((app, newest),) = MigrationLoader(connection).graph.leaf_nodes("telemetry")
    recorder.record_unapplied(app, newest)
    yield
    recorder.record_applied(app, newest)


@pytest.mark.django_db(transaction=True)
def test_the_right_version_is_taken():
    require_schema()
    check_schema_version()
    assert run_checks(tags=["database"], databases=["default"]) == []


def test_a_newer_database_is_refused(newer):
    with pytest.raises(SchemaAhead, match="9999_of_tomorrow"):
        require_schema()
    with pytest.raises(CommandError, match="newer"):
        check_schema_version()
    (error,) = run_checks(tags=["database"], databases=["default"])
    assert error.is_serious()


def test_an_older_database_is_refused_and_still_can_be_migrated(older):
    with pytest.raises(SchemaBehind, match="`manage"):
        require_schema()
    (warning,) = run_checks(tags=["database"], databases=["default"])
    assert not warning.is_serious()  # `migrate` asks for the same checks


@pytest.mark.parametrize("worker", WORKERS)
def test_no_worker_starts_on_tables_of_another_version(newer, environment, tmp_path, worker):
    done = subprocess.run(
        [sys.executable, *WORKERS[worker]],
        cwd=ROOT, env={**environment, "VAR_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "newer than this code" in done.stderr + done.stdout
