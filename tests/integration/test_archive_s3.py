"""The archive in an S3 bucket, of a real server that speaks S3, through django-storages."""

from datetime import timedelta

import boto3
import pytest
from django.test import Client
from moto.server import ThreadedMotoServer

from apps.telemetry.archive import parts
from apps.telemetry.archive.closed import archive_closed_days
from apps.telemetry.archive.day import archive_day
from apps.telemetry.archive.restore import bring_back, is_alone
from apps.telemetry.ingest import store
from apps.telemetry.models import Sample
from apps.telemetry.queries import gpu_telemetry_json
from apps.telemetry.retention import apply_retention
from tests.integration.archiving import DAY, at, fill
from tests.integration.records import record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "no_history"),
]
BUCKET = "telemetry"


@pytest.fixture
def server():
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def bucket(server, no_history, settings, monkeypatch):
    """The bucket, which the archive is in under `archive/`."""
    address = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    bucket = boto3.resource("s3", endpoint_url=address).Bucket(BUCKET)
    bucket.create()
    settings.STORAGES = {
        **settings.STORAGES,
        # What docs/history.md has in ARCHIVE_STORAGE and ARCHIVE_STORAGE_OPTIONS.
        "archive": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {"bucket_name": BUCKET, "location": "archive", "endpoint_url": address},
        },
    }
    return bucket


def pages():
    return [gpu_telemetry_json(f"GPU-{gpu:04d}").results for gpu in range(2)]


def names(bucket):
    return sorted(one.key for one in bucket.objects.all())


def drop():
    return list(apply_retention(margin=timedelta(0), is_complete=lambda _: True))


def test_a_day_is_written_verified_read_and_restored(bucket, settings, monkeypatch):
    settings.RETENTION_RAW = timedelta(0)  # what late data brought back may go at once
    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 4)
    monkeypatch.setattr(parts, "PART_ROWS", 8)
    fill(2, 6)
    before = pages()
    (entry,) = archive_day(DAY)
    folder = f"archive/cluster=lab/date={DAY}"
    assert names(bucket) == [f"{folder}/part-0.parquet", f"{folder}/part-1.parquet"]
    drop()
    assert is_alone(DAY)
    assert pages() == before
    # Late data: it is put together, and archived again over what is there.
    store("lab", [record(1, 0, timestamp=at(100), power_draw=1)])
    late = pages()
    assert late != before
    (entry,) = archive_day(DAY)
    assert entry.rows == 13
    drop()
    assert (is_alone(DAY), pages()) == (True, late)
    assert bring_back(DAY) == 13
    assert (Sample.objects.count(), pages()) == (13, late)


def test_what_a_bucket_lost_or_changed_is_told(bucket, settings):
    settings.PUBLIC_READ = True
    fill(1, 3)
    archive_day(DAY)
    drop()
    address = "/api/v1/gpus/GPU-0000/telemetry"
    assert Client().get(address).json()["count"] == 3
    bucket.objects.delete()
    assert Client().get(address).status_code == 503
    bucket.delete()
    assert Client().get(address).status_code == 503


def test_a_bucket_that_is_not_there_keeps_the_day_and_says_so(bucket, server):
    fill(1, 3)
    bucket.delete()
    (done,) = archive_closed_days(margin=timedelta(0), is_complete=lambda _: True)
    assert "NoSuchBucket" in done.error
    server.stop()
    (done,) = archive_closed_days(margin=timedelta(0), is_complete=lambda _: True)
    assert "ARCHIVE_STORAGE" in done.error
    assert [outcome.kept != "" for outcome in drop()] == [True]
    assert Sample.objects.count() == 3
