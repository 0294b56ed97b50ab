"""Ten collector processes that store the same new fleet at once."""

import subprocess
import sys
import time

import pytest
from django.db import connection

from apps.telemetry.models import Cluster, Gpu, Host, LatestSample, Sample
from tests.integration.store_fleet import GATE, GPUS, SECONDS

COLLECTORS = 10
# The fleet's samples lie 50,000 s apart: the sixth is on the third day after the first.
DAYS = 4


def waiting():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE objid = %s AND NOT granted", [GATE])
        return cursor.fetchone()[0]


@pytest.fixture
def no_partitions(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'telemetry_sample'::regclass"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {name}")


def test_ten_collectors_store_one_fleet_without_deadlock_loss_or_double(environment, no_partitions):
    command = [sys.executable, "-m", "tests.integration.store_fleet"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE])
    collectors = [
        subprocess.Popen([*command, str(seed)], env=environment, stderr=subprocess.PIPE, text=True)
        for seed in range(COLLECTORS)
    ]
    while waiting() < COLLECTORS and all(each.poll() is None for each in collectors):
        time.sleep(0.02)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [GATE])
    errors = [each.communicate(timeout=120)[1] for each in collectors]
    assert [each.returncode for each in collectors] == [0] * COLLECTORS, errors

    assert (Cluster.objects.count(), Host.objects.count()) == (1, GPUS // 8)
    assert Gpu.objects.count() == LatestSample.objects.count() == GPUS
    assert Sample.objects.count() == GPUS * SECONDS
    merged = Sample.objects.filter(power_draw__isnull=False, temperature__isnull=False)
    assert merged.count() == GPUS * SECONDS
    assert set(LatestSample.objects.values_list("sample_count", flat=True)) == {SECONDS}
    newest = Sample.objects.order_by("-timestamp")[0].timestamp
    assert set(LatestSample.objects.values_list("timestamp", flat=True)) == {newest}
