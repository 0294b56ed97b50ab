"""What is too old goes by whole partitions, and samples only once the archive has them."""

import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.core.files.storage import storages
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from apps.telemetry import short_lock
from apps.telemetry.archive.closed import archive_closed_days
from apps.telemetry.archive.day import archive_day, is_current
from apps.telemetry.archive.failures import ArchiveFailed
from apps.telemetry.archive.restore import bring_back
from apps.telemetry.archive.turn import NotOurTurn
from apps.telemetry.ingest import store
from apps.telemetry.models import ArchivedCount, ArchivedDay, Gpu, LatestSample, Sample
from apps.telemetry.models.archived import ArchiveState
from apps.telemetry.models.rollups import MinuteRollup
from apps.telemetry.partition_list import attached
from apps.telemetry.partitions import partition_name
from apps.telemetry.retention import SAMPLES, apply_retention
from apps.telemetry.rollups import HOUR, MINUTE, is_complete, roll_up
from apps.telemetry.single_run import NAMESPACE, key_of
from tests.integration.archiving import DAY, NEXT, at, fill
from tests.integration.records import record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "no_history"),
]
PARTITION = partition_name(DAY)
NOW = timedelta(0)


def always(_day):
    return True


def run(**options):
    given: dict[str, Any] = {"margin": NOW, "is_complete": always} | options
    outcomes = apply_retention(**given)
    return {one.partition: one.kept for one in outcomes}


def partitions():
    return {partition.name for partition in attached(SAMPLES)}


def counts():
    return list(LatestSample.objects.order_by("gpu__uuid").values_list("sample_count", flat=True))


def values():
    """Every sample by GPU and time, without the key that a GPU has in this database."""
    rows = Sample.objects.select_related("gpu").order_by("gpu__uuid", "timestamp")
    names = [field.name for field in Sample._meta.concrete_fields if field.name != "gpu"]
    return [(row.gpu.uuid, *(getattr(row, name) for name in names)) for row in rows]


def test_a_day_that_is_archived_is_dropped_and_counted_no_more():
    fill(2, 3)
    fill(2, 4, NEXT)
    archive_day(DAY)
    assert run() == {
        PARTITION: "",
        partition_name(NEXT): "it is not archived yet; `manage.py archive` does it",
    }
    assert partitions() == {partition_name(NEXT)}
    assert counts() == [4, 4]
    assert ArchivedDay.objects.get().state == ArchiveState.ALONE
    assert list(ArchivedCount.objects.values_list("date", "rows")) == [(DAY, 3), (DAY, 3)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"{PARTITION}_gone"])
        assert cursor.fetchone() == (None,)


def test_what_is_not_too_old_stays(settings):
    today = datetime.now(UTC)
    store("lab", [record(timestamp=today)])
    assert run() == {}
    settings.RETENTION_RAW = timedelta(days=365 * 100)
    fill(1, 1)
    archive_day(DAY)
    assert run() == {}


def test_without_an_archive_old_days_just_go(settings):
    settings.ARCHIVE = False
    fill(2, 3)
    assert run(dry_run=True) == {PARTITION: ""}
    assert partitions() == {PARTITION}
    assert run() == {PARTITION: ""}
    assert partitions() == set()
    assert counts() == [0, 0]
    assert not ArchivedCount.objects.exists()


def test_a_clock_that_is_ahead_drops_nothing(monkeypatch, settings):
    settings.ARCHIVE = False
    today = datetime.now(UTC)
    store("lab", [record(timestamp=today)])
    monkeypatch.setattr(timezone, "now", lambda: today + timedelta(days=1000))
    assert list(apply_retention(margin=timedelta(0), is_complete=lambda _: True)) == []
    assert Sample.objects.count() == 1


def test_a_day_is_restored_while_it_is_written():
    """Late data, some for samples of the archive and some new, by two writers at once."""
    fill(3, 400)
    archive_day(DAY)
    assert run() == {PARTITION: ""}
    stop, failures = threading.Event(), []

    def write(gpu):
        try:
            for turn in itertools.count():
                times = [at(turn * 7 % 400 + n / 4) for n in range(8)]
                store("lab", [record(gpu, timestamp=when, xid_error=7) for when in times])
                if stop.is_set():
                    return
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(gpu,)) for gpu in range(2)]
    for writer in writers:
        writer.start()
    try:
        while Sample.objects.count() < 100:
            stop.wait(0.01)
        assert bring_back(DAY) == 1200
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert failures == []
    assert Sample.objects.filter(power_draw__isnull=False).count() == 1200
    assert Sample.objects.filter(xid_error=7, power_draw__isnull=True).exists()
    assert Sample.objects.filter(xid_error=7, power_draw__isnull=False).exists()
    latest = LatestSample.objects.values_list("gpu_id", "sample_count")
    assert dict(latest) == dict(Sample.objects.values_list("gpu_id").annotate(Count("gpu_id")))


def test_a_dry_run_tells_and_does_nothing():
    fill(1, 1)
    archive_day(DAY)
    assert run(dry_run=True) == {PARTITION: ""}
    assert partitions() == {PARTITION}


def test_a_day_waits_for_what_is_made_of_it():
    fill(1, 1)
    archive_day(DAY)
    assert "roll-ups" in run(is_complete=lambda _: False)[PARTITION]
    assert partitions() == {PARTITION}


@pytest.mark.parametrize(
    "late", [{"timestamp": at(99)}, {"timestamp": at(0), "memory_temperature": 55}],
    ids=["a new sample", "a value for one that exists"],
)  # fmt: skip
def test_late_data_have_the_day_archived_again_before_it_goes(late):
    fill(1, 2)
    archive_day(DAY)
    store("lab", [record(0, 0, **late)])
    expected = values()
    assert "archives it again" in run()[PARTITION]
    archive_closed_days(margin=NOW, is_complete=always)
    assert run() == {PARTITION: ""}
    bring_back(DAY)
    assert values() == expected


def test_a_day_that_changed_a_moment_ago_is_left_alone_for_a_while():
    fill(1, 1)
    archive_day(DAY)
    assert "a moment ago" in next(apply_retention(is_complete=always)).kept
    store("lab", [record(timestamp=at(5))])
    assert archive_closed_days(is_complete=always) == []
    assert not is_current(DAY)


def test_a_restored_day_is_the_day_that_was_archived():
    fill(3, 4)
    expected, counted = values(), counts()
    archive_day(DAY)
    run()
    assert values() == []
    assert bring_back(DAY) == 12
    assert values() == expected
    assert counts() == counted
    assert not ArchivedCount.objects.exists()
    archive_closed_days(margin=NOW, is_complete=always)
    assert "restored" in run()[PARTITION]


def test_late_data_for_a_day_that_is_gone_join_it_in_the_archive():
    fill(2, 3)
    archive_day(DAY)
    run()
    store("lab", [record(1, 0, timestamp=at(1), memory_temperature=70, power_draw=1)])
    store("lab", [record(0, 0, timestamp=at(50), power_draw=2)])
    assert partitions() == {PARTITION}
    archive_closed_days(margin=NOW, is_complete=always)
    joined = {(row[0], row[1]): row for row in values()}
    assert len(joined) == 7
    sample = Sample.objects.get(gpu__uuid="GPU-0001", timestamp=at(1))
    assert (sample.memory_temperature, sample.power_draw, sample.temperature) == (70, 1, 41)
    assert sample.extra == {"pod": "p-1"}
    assert counts() == [4, 3]
    assert ArchivedDay.objects.get().rows == 7


def test_a_deleted_gpu_comes_back_with_its_day():
    fill(2, 2)
    archive_day(DAY)
    run()
    Gpu.objects.filter(uuid="GPU-0001").delete()
    bring_back(DAY)
    assert len(values()) == 4
    assert Gpu.objects.get(uuid="GPU-0001").host.hostname == "host-0"
    assert counts() == [2, 2]


def test_days_of_several_clusters_go_together():
    fill(1, 2)
    store("annex", [record(9, 0, timestamp=at(0))])
    assert {entry.cluster for entry in archive_day(DAY)} == {"lab", "annex"}
    ArchivedDay.objects.filter(cluster="annex").update(state=ArchiveState.WRITING)
    assert "not archived" in run()[PARTITION]
    archive_closed_days(margin=NOW, is_complete=always)
    assert run() == {PARTITION: ""}


def test_a_gpu_that_moves_to_another_cluster_is_archived_once():
    fill(1, 2)
    archive_day(DAY)
    store("annex", [record(0, 0, timestamp=at(60))])
    (entry,) = archive_day(DAY)
    assert (entry.cluster, entry.rows) == ("annex", 3)
    assert not storages["archive"].exists(f"cluster=lab/date={DAY}/part-0.parquet")
    assert run() == {PARTITION: ""}


def test_a_file_that_is_not_what_was_archived_is_not_restored(no_history):
    fill(1, 3)
    archive_day(DAY)
    run()
    entry = ArchivedDay.objects.get()
    entry.checksum = "0" * 16
    entry.save()
    with pytest.raises(ArchiveFailed, match="nothing was restored"):
        bring_back(DAY)
    assert values() == []
    (no_history / entry.files[0]["name"]).unlink()
    with pytest.raises(ArchiveFailed, match="backup"):
        bring_back(DAY)
    assert ArchivedDay.objects.get().state == ArchiveState.ALONE


def test_a_storage_that_changes_what_it_is_given_is_noticed(monkeypatch):
    fill(1, 3)
    fill(1, 3, NEXT)
    archive_day(NEXT)
    swapped = f"cluster=lab/date={NEXT}/part-0.parquet"
    open_file = type(storages["archive"]).open
    monkeypatch.setattr(
        type(storages["archive"]), "open", lambda self, name, mode="rb": open_file(self, swapped)
    )
    with pytest.raises(ArchiveFailed, match="The partition stays"):
        archive_day(DAY)
    assert not is_current(DAY)


def test_a_reader_that_stays_is_given_up_on_and_nobody_waits_behind(monkeypatch):
    monkeypatch.setattr(short_lock, "ATTEMPTS", 2)
    fill(1, 1)
    archive_day(DAY)
    with psycopg.connect(**connection.get_connection_params()) as reader:
        reader.execute("SELECT count(*) FROM telemetry_sample")
        assert "in use" in run()[PARTITION]
        fill(1, 1, NEXT)
    assert partitions() == {PARTITION, partition_name(NEXT)}
    assert run()[PARTITION] == ""


def test_writers_of_the_day_that_is_being_dropped_lose_nothing():
    fill(1, 5)
    archive_day(DAY)
    with psycopg.connect(**connection.get_connection_params()) as writer:
        writer.execute("UPDATE telemetry_sample SET power_draw = 7")
        dropper = threading.Timer(0.6, writer.commit)
        dropper.start()
        assert "archives it again" in run()[PARTITION]
        dropper.join()
    assert {sample.power_draw for sample in Sample.objects.all()} == {7}


def test_a_day_is_archived_and_dropped_once_it_is_rolled_up(settings):
    settings.RETENTION_1M = settings.RETENTION_1H = timedelta(days=365 * 100)
    fill(2, 3)
    assert archive_closed_days(margin=NOW) == []
    roll_up()
    assert [one.rows for one in archive_closed_days(margin=NOW)] == [6]
    assert run(is_complete=is_complete) == {PARTITION: ""}
    before = list(MinuteRollup.objects.values_list("timestamp", "count"))
    store("lab", [record(0, 0, timestamp=at(0)), record(0, 0, timestamp=at(7))])
    roll_up()
    assert archive_closed_days(margin=NOW)[0].rows == 7
    roll_up()
    assert before == [(at(0), 3), (at(0), 3)]
    assert sorted(MinuteRollup.objects.values_list("count", flat=True)) == [3, 4]


def test_roll_ups_go_by_their_own_age(settings):
    fill(1, 1)
    roll_up()
    table = "telemetry_rollup_1m"
    gone = [one.partition for one in apply_retention(margin=NOW) if not one.kept]
    assert f"{table}_{DAY:%Y%m%d}" in gone
    assert f"telemetry_rollup_1h_{DAY:%Y%m}" in gone
    assert not MinuteRollup.objects.exists()
    MINUTE.partitions.forget()
    HOUR.partitions.forget()


def test_archive_and_retention_take_turns():
    fill(1, 1)
    archive_day(DAY)
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [NAMESPACE, key_of("telemetry.history")])
        with pytest.raises(NotOurTurn):
            run()
        with pytest.raises(NotOurTurn):
            archive_closed_days()
        other.execute("SELECT pg_advisory_unlock_all()")
    assert run() == {PARTITION: ""}
