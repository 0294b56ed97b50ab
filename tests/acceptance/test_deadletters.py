"""From a message that is refused to its sample, the way an operator goes, with real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.mq import Message, Publisher, Queue, QueueConfig
from apps.telemetry.dead_letters import Unstorable, bury
from apps.telemetry.models import DeadLetter, Sample
from apps.telemetry.records import encode
from tests.integration.records import record

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


def manage(environment, *arguments):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def collect(environment, queue):
    """Run a collector until the queue is empty."""
    command = [sys.executable, "manage.py", "runcollector"]
    collector = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while queue.depth():
            assert collector.poll() is None, "the collector ended"
            assert time.monotonic() < deadline, "the queue was never empty"
            time.sleep(0.05)
        collector.send_signal(signal.SIGTERM)
        assert collector.wait(PATIENCE_S) == 0
    finally:
        collector.kill()
        collector.wait()


def test_a_message_is_stored_once_its_cause_is_removed_and_it_is_requeued(
    environment, etcd_endpoints, cluster_id
):
    config = QueueConfig(endpoints=tuple(etcd_endpoints), cluster=cluster_id)
    publisher, queue = Publisher(config), Queue(config)
    publisher.publish([Message("h", "0", encode(record())), Message("h", "0", b"not json")])
    publisher.flush()
    publisher.close()
    collect({**environment, "SAMPLE_MIN_TIME": "2026-01-01"}, queue)
    assert (Sample.objects.count(), DeadLetter.objects.count()) == (0, 2)

    listed = manage(environment, "deadletters", "list")
    assert listed.returncode == 0
    assert "2 dead letters, by reason:" in listed.stdout
    letter = DeadLetter.objects.get(reason__contains="SAMPLE_MIN_TIME")
    requeued = manage(environment, "deadletters", "requeue", str(letter.pk))
    assert (requeued.returncode, requeued.stderr) == (0, "")
    assert queue.depth() == 1

    collect(environment, queue)
    queue.close()
    assert (Sample.objects.count(), DeadLetter.objects.count()) == (1, 1)


def test_a_reader_that_has_seen_enough_ends_the_list_quietly(environment, cluster_id):
    bury(cluster_id, [Unstorable(b"%d" % number, b"", "r" * 900) for number in range(500)])
    script = f"{sys.executable} manage.py deadletters list --limit 500 | head -1"
    result = subprocess.run(
        script, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1


def test_wrong_arguments_end_with_the_documented_code(environment):
    for arguments in (["requeue"], ["delete"], ["show", "x"], ["bury"], []):
        assert manage(environment, "deadletters", *arguments).returncode == 2


def test_requeue_that_waits_for_etcd_gives_up_and_keeps_the_letter(
    transactional_db, settings, monkeypatch
):
    monkeypatch.setattr("workers.dead_letters.PATIENCE_S", 0.5)
    settings.ETCD_ENDPOINTS = ["127.0.0.1:1"]
    letter = DeadLetter.objects.create(cluster="lab", digest=os.urandom(32), value=b"x")
    with pytest.raises(CommandError, match="See ETCD_ENDPOINTS") as caught:
        call_command("deadletters", "requeue", str(letter.pk))
    assert caught.value.returncode == 4
    assert DeadLetter.objects.exists()
