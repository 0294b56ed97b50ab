"""The periodic tasks: what they do, one at a time, and the worker that runs them."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from apps.telemetry import partitions
from apps.telemetry.single_run import NAMESPACE, key_of, single_run
from apps.telemetry.tasks import DAYS_AHEAD, make_partitions
from telemetry_project.celery import app

ROOT = Path(__file__).parents[2]


@pytest.fixture
def no_partitions(transactional_db):
    """No partition of the coming days; what a process remembers of them is forgotten."""
    with connection.cursor() as cursor:
        for name in expected_partitions():
            cursor.execute(f"DROP TABLE IF EXISTS {name}")
    partitions.forget()


def expected_partitions():
    today = datetime.now(UTC).date()
    return [partitions.partition_name(today + timedelta(days=n)) for n in range(DAYS_AHEAD + 1)]


def existing_partitions():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'telemetry_sample'::regclass"
        )
        return {name for (name,) in cursor.fetchall()}


def test_partitions_are_made_for_today_and_the_next_days(no_partitions):
    make_partitions()
    assert set(expected_partitions()) <= existing_partitions()
    make_partitions()


def test_the_command_does_what_the_task_does(no_partitions):
    call_command("makepartitions")
    assert set(expected_partitions()) <= existing_partitions()


def test_a_task_that_runs_on_another_machine_is_left_to_it(no_partitions):
    with psycopg.connect(**_parameters()) as elsewhere:
        _hold_lock(elsewhere, "telemetry.make_partitions")
        make_partitions()
        assert not set(expected_partitions()) & existing_partitions()
        # Closing the connection would release the lock too, but a moment later.
        elsewhere.execute("SELECT pg_advisory_unlock_all()")
    make_partitions()
    assert set(expected_partitions()) <= existing_partitions()


def test_the_lock_is_given_back_when_the_run_fails(transactional_db):
    with pytest.raises(ZeroDivisionError), single_run("test"):
        _ = 1 / 0
    with psycopg.connect(**_parameters()) as elsewhere:
        assert _hold_lock(elsewhere, "test")


def test_tasks_of_different_names_do_not_wait_for_each_other(transactional_db):
    with psycopg.connect(**_parameters()) as elsewhere:
        _hold_lock(elsewhere, "one")
        with single_run("two") as is_ours:
            assert is_ours


def _parameters():
    chosen = connection.settings_dict
    return {
        "host": chosen["HOST"], "port": chosen["PORT"], "user": chosen["USER"],
        "password": chosen["PASSWORD"], "dbname": chosen["NAME"],
    }  # fmt: skip


def _hold_lock(elsewhere, name):
    """Take the lock of a task as another machine would."""
    row = elsewhere.execute(
        "SELECT pg_try_advisory_lock(%s, %s)", [NAMESPACE, key_of(name)]
    ).fetchone()
    return row[0]


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks


def test_a_worker_makes_the_partitions_when_it_starts_and_stops_on_sigterm(
    no_partitions, environment, tmp_path
):
    environment = {**environment, "VAR_DIR": str(tmp_path)}
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "telemetry_project", "worker", "--beat",
         "--pool", "solo", "--loglevel", "INFO"],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    give_up = threading.Timer(60, worker.kill)
    give_up.start()
    assert worker.stdout
    assert any("make_partitions" in line and "succeeded" in line for line in worker.stdout)
    give_up.cancel()
    worker.terminate()
    worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert set(expected_partitions()) <= existing_partitions()
    assert list((tmp_path / "celery").glob("beat*"))
