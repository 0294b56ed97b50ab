"""A streamer of uploads that is killed: another goes on, and nothing is lost or stored twice."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from apps.embedded.processes import wait_until
from apps.telemetry.models import Sample, Upload
from tests.integration.upload_rows import csv_of, make_upload

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 180


@pytest.fixture
def launch(environment, settings, tmp_path):
    """Starts a process with the test's surroundings; all are killed at the end."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    surroundings = environment | {"MEDIA_ROOT": settings.MEDIA_ROOT}
    running = []

    def start(*arguments):
        running.append(subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=surroundings))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_a_streamer_that_is_killed_is_replaced_and_every_record_is_stored_once(launch, cluster_id):
    upload = make_upload(cluster_id, csv_of(150_000))
    first = launch("manage.py", "runstreamer", "--uploads")
    assert wait_until(
        lambda: Upload.objects.filter(pk=upload.pk, records_published__gt=0).exists(), DEADLINE_S
    )
    first.kill()
    first.wait()
    upload.refresh_from_db()
    assert upload.state == "streaming"
    second = launch("manage.py", "runstreamer", "--uploads")
    collector = launch("manage.py", "runcollector")
    assert wait_until(
        lambda: Upload.objects.filter(pk=upload.pk, stored_at__isnull=False).exists(), DEADLINE_S
    )
    upload.refresh_from_db()
    assert (upload.state, upload.rows, upload.records_stored) == ("done", 150_000, 150_000)
    assert Sample.objects.count() == 150_000
    for process in (second, collector):
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
