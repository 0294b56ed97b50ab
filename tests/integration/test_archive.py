"""A closed day becomes Parquet files that have every value, and only then may its partition go."""

import errno
import itertools
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from django.core.files.storage import storages
from pyarrow import parquet

from apps.telemetry import partitions
from apps.telemetry.archive import part_file, parts
from apps.telemetry.archive.checksum import as_text, sum_of
from apps.telemetry.archive.closed import archive_one, days_to_archive
from apps.telemetry.archive.day import archive_day
from apps.telemetry.archive.folder import ArchiveFolder
from apps.telemetry.archive.milliwatts import unpacked
from apps.telemetry.archive.parts import read_parts
from apps.telemetry.archive.restore import bring_back, is_alone
from apps.telemetry.archive.settings_check import check_storage
from apps.telemetry.ingest import store
from apps.telemetry.metrics import METRICS
from apps.telemetry.models import ArchivedDay, Sample
from apps.telemetry.queries import gpu_telemetry_json
from apps.telemetry.retention import apply_retention
from tests.integration.archiving import DAY, at, fill
from tests.integration.records import record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "no_history"),
]


VALUES = {
    "string": "another", "float": 41.5, "double": 41.5,
    "timestamp[us, tz=UTC]": datetime(2024, 3, 9, tzinfo=UTC),
}  # fmt: skip


def rows():
    entries = ArchivedDay.objects.filter(date=DAY)
    names = [file["name"] for entry in entries for file in entry.files]
    return [row for table in read_parts(storages["archive"], names) for row in table.to_pylist()]


def test_every_value_of_a_day_is_in_its_file():
    fill(3, 5)
    (entry,) = archive_day(DAY)
    assert [file["name"] for file in entry.files] == [f"cluster=lab/date={DAY}/part-0.parquet"]
    archived = [{name: value for name, value in row.items() if value is not None} for row in rows()]
    assert len(archived) == 15
    stored = Sample.objects.get(gpu__uuid="GPU-0001", timestamp=at(3))
    (found,) = [r for r in archived if r["uuid"] == "GPU-0001" and r["timestamp"] == at(3)]
    for metric in METRICS:
        assert found.get(metric.name) == pytest.approx(getattr(stored, metric.name)), metric.name
    keys = [(row["uuid"], row["timestamp"]) for row in archived]
    assert keys == sorted(keys)


def test_the_file_says_units_kinds_and_what_it_is_sorted_by():
    fill(1, 1)
    archive_day(DAY)
    with storages["archive"].open(f"cluster=lab/date={DAY}/part-0.parquet") as file:
        schema = parquet.ParquetFile(file).schema_arrow
    assert schema.field("power_draw").metadata[b"unit"] == b"W"
    assert schema.field("energy_consumption_mj").metadata[b"kind"] == b"counter"
    assert schema.metadata[b"telemetry.sorted_by"] == b"uuid,timestamp"


def power_types(entry, root):
    return [str(parquet.read_schema(root / file["name"]).field("power_draw").type)
            for file in entry.files]  # fmt: skip


def test_power_is_a_decimal_of_milliwatts_in_files_where_that_loses_nothing(
    monkeypatch, no_history
):
    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 3)
    monkeypatch.setattr(parts, "PART_ROWS", 9)
    fill(2, 9)
    store("lab", [record(1, 0, timestamp=at(7), power_draw=65.12345678901234)])
    (entry,) = archive_day(DAY)
    assert power_types(entry, no_history) == ["decimal32(9, 3)", "double"]
    before = [gpu_telemetry_json(f"GPU-{gpu:04d}").results for gpu in range(2)]
    assert "65.12345678901234" in before[1]
    list(apply_retention(margin=timedelta(0), is_complete=lambda _: True))
    assert is_alone(DAY)
    assert [gpu_telemetry_json(f"GPU-{gpu:04d}").results for gpu in range(2)] == before
    bring_back(DAY)
    assert [gpu_telemetry_json(f"GPU-{gpu:04d}").results for gpu in range(2)] == before


def test_postgresql_and_the_archive_compute_the_same_checksum():
    extremes = itertools.product((None, 0, 1, 0x7FFFFFFFFFFFFFEF), (None, 0, -0.0, 68.427, 0.1))
    store(
        "lab",
        [
            record(
                number, 0, timestamp=at(number / 7), energy_consumption_mj=count, power_draw=watts,
                temperature=watts, row_remap_failed=None if count is None else min(count, 1),
                extra={"pod": f"ä-{number}", "n": 1.5} if number % 3 else None,
            )
            for number, (count, watts) in enumerate(extremes)
        ],
    )  # fmt: skip
    (entry,) = archive_day(DAY)
    assert entry.rows == 20


def test_a_checksum_notices_any_value_that_changes():
    fill(1, 2)
    archive_day(DAY)
    (table,) = read_parts(storages["archive"], [f"cluster=lab/date={DAY}/part-0.parquet"])
    known = sum_of(table)
    described = ("hostname", "gpu_index", "model_name")
    for place, name in enumerate(table.column_names):
        field = table.schema.field(name)
        for value in (None, VALUES.get(str(field.type), 1)):
            if name in described or value == table[name][0].as_py():
                continue
            other = pa.array([value, table[name][1].as_py()], field.type)
            changed = table.set_column(place, field.with_nullable(True), other)
            if value is None and name in ("uuid", "timestamp"):
                continue
            assert sum_of(changed) != known, name


def test_a_row_lost_doubled_or_with_anothers_values_shows():
    fill(1, 3)
    archive_day(DAY)
    (table,) = read_parts(storages["archive"], [f"cluster=lab/date={DAY}/part-0.parquet"])
    known = sum_of(table)
    assert sum_of(table.slice(1)) != known
    assert sum_of(pa.concat_tables([table, table.slice(2)])) != known
    place = table.column_names.index("power_draw")
    swapped = table["power_draw"].take([1, 0, 2])
    assert sum_of(table.set_column(place, "power_draw", swapped)) != known
    assert sum_of(table.take([2, 0, 1])) == known


def test_only_closed_days_are_archived(settings):
    today = datetime.now(UTC)
    store("lab", [record(timestamp=today)])
    fill(1, 1)
    assert DAY in list(days_to_archive(today, timedelta(0), lambda _: True))
    assert today.date() not in list(days_to_archive(today, timedelta(0), lambda _: True))
    assert DAY not in list(days_to_archive(today, timedelta(0), lambda day: day != DAY))
    partitions.forget()


def test_a_storage_without_paths_will_do(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    remote = {"BACKEND": "tests.integration.remote_storage.RemoteStorage"}
    settings.STORAGES = {**settings.STORAGES, "archive": remote}
    fill(2, 3)
    archive_day(DAY)
    (entry,) = archive_day(DAY)
    assert (entry.rows, len(rows())) == (6, 6)


def test_a_day_of_many_rows_has_several_files_and_row_groups(monkeypatch):
    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 4)
    monkeypatch.setattr(parts, "PART_ROWS", 8)
    fill(3, 7)
    (entry,) = archive_day(DAY)
    assert [file["rows"] for file in entry.files] == [8, 8, 5]
    assert [(file["first"], file["last"]) for file in entry.files] == [
        ("GPU-0000", "GPU-0001"), ("GPU-0001", "GPU-0002"), ("GPU-0002", "GPU-0002"),
    ]  # fmt: skip
    before = [gpu_telemetry_json(f"GPU-{gpu:04d}").results for gpu in range(3)]
    list(apply_retention(margin=timedelta(0), is_complete=lambda _: True))
    assert is_alone(DAY)
    assert [gpu_telemetry_json(f"GPU-{gpu:04d}").results for gpu in range(3)] == before


def test_an_old_file_without_a_metric_of_today_can_be_read_and_restored(no_history):
    fill(2, 3)
    (entry,) = archive_day(DAY)
    before = [gpu_telemetry_json(f"GPU-{gpu:04d}").results for gpu in range(2)]
    path = no_history / entry.files[0]["name"]
    old = unpacked(parquet.read_table(path))
    old = old.drop_columns(["memory_temperature", "ecc_dbe_aggregate_total"])
    parquet.write_table(old, path)
    entry.checksum = as_text(sum_of(old))
    entry.save()
    list(apply_retention(margin=timedelta(0), is_complete=lambda _: True))
    for _ in range(2):
        assert [gpu_telemetry_json(f"GPU-{gpu:04d}").results for gpu in range(2)] == before
        if is_alone(DAY):
            bring_back(DAY)
    assert Sample.objects.count() == 6


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("nowhere.Storage", {}),
        ("apps.telemetry.archive.stretch.Stretch", {"low": None, "high": None, "rows": 1}),
        ("apps.telemetry.archive.folder.ArchiveFolder", {"folder": "/"}),
    ],
)
def test_a_storage_that_cannot_be_made_stops_the_start(settings, backend, options):
    assert check_storage() == []
    archive = {"BACKEND": backend, "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "archive": archive}
    assert [error.id for error in check_storage()] == ["telemetry.E003"]


def test_a_full_disk_of_temporary_files_is_told_apart_from_a_full_archive(monkeypatch, settings):
    fill(1, 1)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(part_file, "TemporaryFile", full)
    assert "TMPDIR" in archive_one(DAY).error
    monkeypatch.undo()
    monkeypatch.setattr(ArchiveFolder, "_save", full)
    assert "ARCHIVE_DIR" in archive_one(DAY).error
    monkeypatch.undo()
    assert archive_one(DAY).rows == 1
