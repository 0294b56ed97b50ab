"""Streamers of uploads: one at a time, what was stopped goes on, nothing lost or stored twice."""

import gzip
import os
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from backports import zstd
from django.db import connection
from msgspec.structs import asdict

from apps.mq import Publisher
from apps.telemetry import uploads
from apps.telemetry.models.upload import MAX_GPUS
from apps.telemetry.records import decode
from apps.telemetry.upload_files import stored_files
from tests.integration.upload_rows import HEADER, START, csv_of, make_upload
from tests.queue_contents import waiting_records
from workers.demo.csv_layouts import HEADERS, Layout, blocks, instants
from workers.demo.fleet import build_fleet
from workers.sources.csv_file import CsvFile
from workers.sources.draft import messages_of
from workers.streamer.report import Report
from workers.uploads.drained import Drained
from workers.uploads.lock import held
from workers.uploads.streamer import UploadStreamer

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 60


class Halting(Publisher):
    """Publishes one chunk, says so, and then waits to be allowed the rest."""

    def __init__(self, config, give_up):
        super().__init__(config, give_up)
        self.give_up, self.began, self.go_on = give_up, threading.Event(), threading.Event()

    def publish(self, messages):
        if not messages:  # rows of one instant are still collected
            return
        if self.began.is_set():
            while not (self.go_on.is_set() or self.give_up.is_set()):
                time.sleep(0.01)
        super().publish(messages)
        self.flush()
        self.began.set()


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return settings.MEDIA_ROOT


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def streamer(queue_config, stop):
    """A streamer whose steps this test calls."""

    def make(publisher=Publisher):
        drained = Drained(queue_config)
        opened.append(drained)
        return UploadStreamer(
            queue_config.cluster, lambda give_up: publisher(queue_config, give_up), drained.look,
            Report(), stop,
        )  # fmt: skip

    opened: list[Drained] = []
    yield make
    for drained in opened:
        drained.close()


@pytest.fixture
def halting(queue_config, streamer):
    """A streamer in a thread that has published the first chunk of what waits, and halts."""
    made, began = [], threading.Event()

    class Announced(Halting):
        def __init__(self, config, give_up):
            super().__init__(config, give_up)
            self.began = began
            made.append(self)

    def work():
        try:
            errors.append(None if streamer(Announced).step() else "nothing to do")
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    errors: list[object] = []
    thread = threading.Thread(target=work)

    def start():
        thread.start()
        assert began.wait(DEADLINE_S)
        return thread, made[0], errors

    yield start
    for publisher in made:
        publisher.go_on.set()
    if thread.ident:
        thread.join(DEADLINE_S)


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_an_upload_goes_into_the_queue_and_its_file_goes_away(streamer, cluster_id, etcd_endpoints):
    upload = make_upload(cluster_id, csv_of(1000) + b"not a time,0,node-7,GPU-0,1\n")
    assert streamer().step()
    upload.refresh_from_db()
    assert (upload.state, upload.percent, upload.error) == ("done", 100.0, "")
    assert (upload.rows, upload.rows_rejected, upload.records_published) == (1001, 1, 1000)
    (rejection,) = upload.rejections
    assert rejection["line"] == 1002
    assert "not a time" in rejection["reason"]
    assert upload.started_at
    assert upload.finished_at
    assert upload.started_at <= upload.finished_at
    found = waiting_records(etcd_endpoints, cluster_id)
    assert len({(record.uuid, record.timestamp) for record in found}) == len(found) == 1000
    assert stored_files() == []


def test_only_the_first_hundred_rejected_rows_are_kept(streamer, cluster_id):
    upload = make_upload(cluster_id, HEADER + b"x,0,node-7,GPU-0,1\n" * 250)
    streamer().step()
    upload.refresh_from_db()
    assert (upload.rows_rejected, len(upload.rejections)) == (250, 100)
    assert [rejection["line"] for rejection in upload.rejections[:2]] == [2, 3]


def test_it_is_known_which_gpus_a_file_held_and_when(streamer, cluster_id):
    upload = make_upload(cluster_id, csv_of(3 * MAX_GPUS, gpus=MAX_GPUS + 1))
    few = make_upload(cluster_id, csv_of(5, gpus=2))
    assert streamer().step()
    assert streamer().step()
    upload.refresh_from_db()
    few.refresh_from_db()
    assert upload.gpus == [f"GPU-{n}" for n in range(MAX_GPUS)]
    assert few.gpus == ["GPU-0", "GPU-1"]
    assert few.first_sample_at == START
    assert few.last_sample_at == START + timedelta(seconds=2)


def test_there_is_nothing_to_do_without_uploads_or_for_those_of_other_clusters(streamer):
    make_upload("other", csv_of(1))
    assert not streamer().step()


def test_a_file_that_cannot_be_read_fails_with_the_reason_and_holds_up_no_other(
    streamer, cluster_id
):
    bad = make_upload(cluster_id, b"name,age\n", "bad.csv")
    good = make_upload(cluster_id, csv_of(1))
    one = streamer()
    assert one.step()
    assert one.step()
    assert not one.step()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == ("failed", "done")
    assert bad.error.startswith("bad.csv: the header is of neither layout")


def test_an_archive_that_is_cut_short_fails_after_what_could_be_read(
    streamer, cluster_id, etcd_endpoints
):
    upload = make_upload(cluster_id, gzip.compress(csv_of(60_000))[:-1000], "fleet.csv.gz")
    streamer().step()
    upload.refresh_from_db()
    assert upload.state == "failed"
    assert "damaged or incomplete" in upload.error
    assert 0 < upload.records_published == len(waiting_records(etcd_endpoints, cluster_id))


def test_an_archive_that_holds_too_much_fails_there(streamer, cluster_id, settings):
    settings.UPLOAD_MAX_INFLATED_BYTES = 2_000_000
    upload = make_upload(cluster_id, gzip.compress(HEADER + b"\n" * 20_000_000))
    streamer().step()
    upload.refresh_from_db()
    assert upload.state == "failed"
    assert "UPLOAD_MAX_INFLATED_BYTES" in upload.error


def test_a_file_that_is_gone_fails_with_the_reason(streamer, cluster_id, media):
    upload = make_upload(cluster_id, csv_of(1))
    [(name, _)] = stored_files()
    (Path(media) / name).unlink()
    streamer().step()
    upload.refresh_from_db()
    assert upload.state == "failed"
    assert "No such file" in upload.error


def test_one_that_another_streamer_has_is_left_to_it(streamer, cluster_id):
    upload = make_upload(cluster_id, csv_of(1))
    taken, release = threading.Event(), threading.Event()

    def hold():
        with held(upload.pk) as is_ours:
            assert is_ours
            taken.set()
            release.wait(DEADLINE_S)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(DEADLINE_S)
    one = streamer()
    assert not one.step()
    release.set()
    thread.join()
    assert one.step()


def dcgm_export(seconds):
    """A DCGM export of 16 GPUs, one row per metric, more than are held back at once."""
    fleet = build_fleet(2, 8, seconds, seed=1)
    lines = blocks(fleet, instants(START, seconds, 1.0), 1.0, Layout.DCGM)
    return (HEADERS[Layout.DCGM] + "\n" + "".join(lines)).encode()


def merged(records):
    """What a store makes of records, the parts of one put together again."""
    result: dict[tuple[str, datetime], dict[str, object]] = {}
    for record in records:
        values = {name: value for name, value in asdict(record).items() if value is not None}
        result.setdefault((record.uuid, record.timestamp), {}).update(values)
    return result


def test_no_metric_is_lost_where_an_export_is_resumed(
    halting, streamer, cluster_id, etcd_endpoints, tmp_path
):
    (tmp_path / "export.csv").write_bytes(content := dcgm_export(600))
    source = CsvFile(tmp_path / "export.csv", lambda _: None)
    whole = [
        decode(message.value) for chunk in source.chunks() for message in messages_of(chunk.drafts)
    ]
    upload = make_upload(cluster_id, content)
    thread, _, _ = halting()
    uploads.cancel(upload.pk)
    thread.join(DEADLINE_S)
    upload.refresh_from_db()
    assert 0 < upload.offset_bytes < len(content)
    uploads.retry(upload.pk)
    assert streamer().step()
    assert merged(waiting_records(etcd_endpoints, cluster_id)) == merged(whole)


def test_a_storage_without_local_files_serves_too(streamer, cluster_id, settings):
    remote = {"BACKEND": "tests.integration.remote_storage.RemoteStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": remote}
    upload = make_upload(cluster_id, csv_of(1000))
    assert len(stored_files()) == 1
    streamer().step()
    upload.refresh_from_db()
    assert (upload.state, upload.records_published, upload.error) == ("done", 1000, "")
    assert stored_files() == []


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress])
def test_cancelling_ends_it_in_the_middle_and_a_retry_goes_on_there(
    halting, streamer, cluster_id, etcd_endpoints, compress
):
    upload = make_upload(cluster_id, compress(csv_of(60_000)))
    thread, _, errors = halting()
    assert uploads.cancel(upload.pk)
    thread.join(DEADLINE_S)
    assert errors == [None]
    upload.refresh_from_db()
    assert upload.state == "cancelled"
    assert 0 < upload.offset_bytes < len(csv_of(60_000))
    assert 0 < upload.percent < 100
    before = len(waiting_records(etcd_endpoints, cluster_id))
    assert before == upload.records_published == upload.rows < 60_000
    assert uploads.retry(upload.pk)
    assert streamer().step()
    upload.refresh_from_db()
    assert (upload.state, upload.rows) == ("done", 60_000)
    found = waiting_records(etcd_endpoints, cluster_id)
    assert len({(record.uuid, record.timestamp) for record in found}) == len(found) == 60_000


def test_one_that_is_stopped_waits_for_the_next_streamer(halting, stop, cluster_id):
    upload = make_upload(cluster_id, csv_of(60_000))
    thread, publisher, errors = halting()
    stop.set()
    publisher.go_on.set()
    thread.join(DEADLINE_S)
    assert errors == [None]
    upload.refresh_from_db()
    assert (upload.state, upload.finished_at) == ("waiting", None)
    assert 0 < upload.records_published <= 60_000


def test_a_session_that_postgresql_ends_saves_nothing_more_and_another_takes_over(
    halting, streamer, cluster_id
):
    upload = make_upload(cluster_id, csv_of(60_000))
    thread, publisher, errors = halting()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
            " WHERE locktype = 'advisory' AND granted AND objsubid = 1"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert cursor.fetchone() == (1,)
    assert streamer().step()
    publisher.go_on.set()
    thread.join(DEADLINE_S)
    assert len(errors) == 1
    assert errors[0] is not None
    upload.refresh_from_db()
    assert (upload.state, upload.rows, upload.records_published) == ("done", 60_000, 60_000)


def test_it_counts_as_stored_once_the_queue_holds_nothing_of_it(
    streamer, start_consumer, cluster_id
):
    upload = make_upload(cluster_id, csv_of(300))
    one = streamer()
    one._step_if_possible()
    upload.refresh_from_db()
    assert (upload.records_published, upload.records_stored) == (300, None)
    consumer = start_consumer("c1")
    taken = 0
    while taken < 300:
        batches = consumer.take(max_batches=1, timeout_s=1.0)
        taken += sum(len(batch.messages) for batch in batches)
        one._step_if_possible()
        upload.refresh_from_db()
        assert upload.records_stored is None
        consumer.ack(batches)
    one._step_if_possible()
    upload.refresh_from_db()
    assert upload.records_stored == 300


def test_files_that_nobody_needs_are_deleted_in_time(streamer, cluster_id, media):
    kept = make_upload(cluster_id, csv_of(1))
    folder = Path(media) / "uploads"
    for name, age_s in (("old.part", 100_000), ("new.part", 0)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age_s,) * 2)
    streamer().tidy()
    left = {name.removeprefix("uploads/") for name, _ in stored_files()}
    assert left == {"new.part", f"{kept.pk}.csv"}
