"""SIGKILL at each step of archive, retention and restore: nothing lost, nothing doubled."""

import json
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.telemetry import partitions
from apps.telemetry.archive.closed import archive_closed_days
from apps.telemetry.archive.restore import bring_back, is_alone
from apps.telemetry.models import LatestSample, Sample
from apps.telemetry.queries import gpu_telemetry_json
from apps.telemetry.retention import apply_retention
from apps.telemetry.rollups import roll_up
from apps.telemetry.single_run import running
from tests.integration.archiving import DAY, fill

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "no_history"),
]
ROOT = Path(__file__).parents[2]
ARCHIVE_STEPS = [
    "archive.day.watch", "archive.day._begin", "archive.day._begin+", "archive.day.remove_parts",
    "archive.day.remove_parts+", "archive.parts._write", "archive.folder._sync",
    "archive.day._verify", "archive.day._verify+", "archive.day._finish", "archive.day._finish+",
]  # fmt: skip
RETENTION_STEPS = [
    "retention._check_archive+", "retention._counts", "retention.lock+", "retention.detach",
    "retention.detach+", "retention._take_out+", "partitions.forget", "retention.drop_detached",
]  # fmt: skip
RESTORE_STEPS = [
    "archive.restore._register", "archive.restore.as_csv", "archive.restore._correct_counts",
    "archive.restore._correct_counts+",
]  # fmt: skip


def answers():
    return [gpu_telemetry_json(f"GPU-{gpu:04d}") for gpu in range(2)]


@pytest.fixture(scope="module")
def programs():
    """The process that runs commands, started by the first test that needs one."""
    started: list[Any] = []
    yield started
    for program in started:
        program.stdin.close()
        program.wait(30)


@pytest.fixture
def killed_at(programs, environment, no_history):
    """Runs a command that is killed at a step."""
    if not programs:
        command = [sys.executable, "-m", "tests.integration.archive_steps"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        programs.append(subprocess.Popen(command, cwd=ROOT, env=environment, **pipes))
    (program,) = programs

    def kill(step, *command):
        line = {"step": step, "command": command, "folder": str(no_history)}
        program.stdin.write(f"{json.dumps(line)}\n")
        program.stdin.flush()
        assert int(program.stdout.readline()) == signal.SIGKILL
        partitions.forget()
        wait_for_the_lock()

    return kill


def wait_for_the_lock():
    """PostgreSQL gives back what a killed process held, once it has noticed."""
    deadline = time.monotonic() + 30
    while running(["telemetry.history"]):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def finish():
    """The next run of everything: the day is archived, verified and gone, and can be had back."""
    archive_closed_days(margin=timedelta(0))
    assert [one for one in apply_retention(margin=timedelta(0)) if one.kept] == []
    assert is_alone(DAY)
    assert not Sample.objects.exists()
    assert set(LatestSample.objects.values_list("sample_count", flat=True)) == {0}


@pytest.fixture
def day(settings):
    settings.RETENTION_1M = settings.RETENTION_1H = timedelta(days=365 * 100)
    fill(2, 5)
    roll_up()
    return answers()


@pytest.mark.parametrize("step", ARCHIVE_STEPS)
def test_a_run_of_the_archive_that_is_killed(step, day, killed_at, no_history):
    killed_at(step, "archive", "--day", str(DAY))
    assert answers() == day
    finish()
    assert answers() == day
    assert len(list(no_history.rglob("*.parquet"))) == 1


@pytest.mark.parametrize("step", RETENTION_STEPS)
def test_a_run_of_retention_that_is_killed(step, day, killed_at):
    archive_closed_days(margin=timedelta(0))
    killed_at(step, "applyretention")
    assert answers() == day
    finish()
    assert answers() == day
    bring_back(DAY)
    assert answers() == day
    assert set(LatestSample.objects.values_list("sample_count", flat=True)) == {5}


@pytest.mark.parametrize("step", RESTORE_STEPS)
def test_a_restore_that_is_killed(step, day, killed_at):
    archive_closed_days(margin=timedelta(0))
    finish()
    killed_at(step, "restoreday", str(DAY))
    assert is_alone(DAY)
    assert answers() == day
    bring_back(DAY)
    assert answers() == day
    assert Sample.objects.count() == 10


def test_the_commands_tell_what_they_did(day, capsys):
    call_command("archive", day=DAY)
    assert f"{DAY}: 10 samples" in capsys.readouterr().out
    call_command("applyretention", dry_run=True)
    assert "a moment ago" in capsys.readouterr().out
    finish()
    call_command("restoreday", DAY)
    assert "10 samples are back" in capsys.readouterr().out
    for wrong in (["restoreday", f"{DAY}"], ["archive", "--day", "2020-01-01"]):
        with pytest.raises(CommandError):
            call_command(*wrong)
