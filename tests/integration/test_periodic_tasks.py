"""The periodic tasks: what they do, one at a time, and the worker that runs them."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from apps.embedded.ports import free_port
from apps.embedded.processes import wait_until
from apps.mq import Message, Publisher
from apps.telemetry import partitions, queries
from apps.telemetry.models import QueueSnapshot, TaskRun
from apps.telemetry.periodic import run
from apps.telemetry.single_run import NAMESPACE, key_of, running, single_run
from apps.telemetry.tasks import DAYS_AHEAD, make_partitions
from telemetry_project.celery import app
from telemetry_project.queue import queue_config

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


def all_tasks_have_run():
    done = TaskRun.objects.filter(succeeded_at__isnull=False).values_list("name", flat=True)
    return set(done) == set(settings.PERIODIC_TASKS)


@pytest.fixture
def hourly(transactional_db, settings):
    """A task of one hour, and how often its work was done."""
    settings.PERIODIC_TASKS = {"test.hourly": timedelta(hours=1)}
    return []


def ask(done):
    return run("test.hourly", lambda: done.append(1), only_if_due=True)


def test_a_task_is_run_when_it_is_due_and_not_before(hourly):
    assert [ask(hourly), ask(hourly)] == [True, False]
    TaskRun.objects.update(due_at=timezone.now() - timedelta(days=3))  # nobody ran for days
    assert [ask(hourly), ask(hourly)] == [True, False]
    assert run("test.hourly", lambda: hourly.append(1))  # by hand it runs whenever it is asked
    assert len(hourly) == 3


def test_what_failed_stays_due_and_its_error_outlives_the_next_success(hourly):
    with pytest.raises(ZeroDivisionError):
        run("test.hourly", lambda: 1 / 0, only_if_due=True)
    failed = TaskRun.objects.get()
    assert failed.error == "ZeroDivisionError: division by zero"
    assert failed.due_at is None
    assert ask(hourly)
    done = TaskRun.objects.get()
    assert (done.error, done.failed_at) == (failed.error, failed.failed_at)
    assert done.succeeded_at
    assert done.failed_at
    assert done.succeeded_at > done.failed_at
    assert done.due_at == done.started_at + timedelta(hours=1)


def test_a_run_that_was_killed_is_made_up_for(hourly):
    TaskRun.objects.create(
        name="test.hourly", host="node", started_at=timezone.now(),
        due_at=timezone.now() - timedelta(seconds=1),
    )  # fmt: skip
    assert ask(hourly)


def test_the_work_sees_itself_as_running_and_may_fail_its_own_transaction(hourly):
    def work():
        hourly.append(running(["test.hourly", "test.other"]))
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    run("test.hourly", work)
    assert hourly == [{"test.hourly"}]
    assert running(["test.hourly"]) == set()
    assert TaskRun.objects.get().succeeded_at


def test_a_run_that_loses_its_connection_fails_with_that_and_leaves_no_lock(hourly):
    def work():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(OperationalError, match="terminat"):
        run("test.hourly", work)
    connection.close()
    assert queries.task_states(TaskRun.objects.all(), [], timezone.now()) == {
        "test.hourly": queries.TaskState.INTERRUPTED
    }
    assert ask(hourly)


def test_the_queue_is_looked_at_and_only_the_newest_looks_are_kept(
    transactional_db, settings, cluster_id, etcd_endpoints, monkeypatch
):
    settings.CLUSTER_ID, settings.ETCD_ENDPOINTS = cluster_id, etcd_endpoints
    monkeypatch.setattr("workers.tasks.KEPT", 2)
    publisher = Publisher(queue_config())
    publisher.publish([Message("host", "0", b"{}")] * 7)
    publisher.flush()
    publisher.close()
    for _ in range(4):
        call_command("snapshotqueue")
    newest, older = QueueSnapshot.objects.all()
    assert (newest.cluster, newest.messages, newest.collectors) == (cluster_id, 7, 0)
    assert newest.oldest_age_s > older.oldest_age_s > 0


def test_a_look_without_etcd_says_what_to_do_and_is_kept_as_a_failure(transactional_db, settings):
    settings.ETCD_ENDPOINTS, settings.ETCD_TIMEOUT_S = [f"127.0.0.1:{free_port()}"], 0.2
    with pytest.raises(CommandError, match="ETCD_ENDPOINTS"):
        call_command("snapshotqueue")
    assert TaskRun.objects.get(name="telemetry.snapshot_queue").failed_at


def test_a_command_says_when_its_task_runs_elsewhere(no_partitions):
    with psycopg.connect(**_parameters()) as elsewhere:
        _hold_lock(elsewhere, "telemetry.make_partitions")
        with pytest.raises(CommandError, match="elsewhere"):
            call_command("makepartitions")
        elsewhere.execute("SELECT pg_advisory_unlock_all()")


def test_a_worker_runs_every_task_when_it_starts_and_stops_on_sigterm(
    no_partitions, environment, tmp_path
):
    environment = {**environment, "VAR_DIR": str(tmp_path)}
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "telemetry_project", "worker", "--beat",
         "--pool", "solo", "--loglevel", "INFO"],
        cwd=ROOT, env=environment, stdout=(tmp_path / "log").open("w"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    give_up = threading.Timer(60, worker.kill)
    give_up.start()
    assert wait_until(all_tasks_have_run, 60)
    give_up.cancel()
    worker.terminate()
    worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert set(expected_partitions()) <= existing_partitions()
    assert list((tmp_path / "celery").glob("beat*"))
