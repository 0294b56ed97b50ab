"""Telemetry as files: CSV, NDJSON, Parquet and Arrow."""

import csv
import io
import json

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from apps.gateway.rest.formats import MEDIA_TYPES, Format
from apps.telemetry import queries
from tests.fleet_rows import make_gpu, make_samples

PATH = "/api/v1/gpus/GPU-host-1-0/telemetry"


@pytest.fixture
def file(client, public, db):
    """GET a path as a file; returns its bytes and checks what kind it is said to be."""

    def read(path, format_, **query):
        response = client.get(path, {"format": format_, **query})
        assert response.status_code == 200, response.content
        assert response.streaming
        assert response.headers["Content-Type"].startswith(MEDIA_TYPES[Format(format_)])
        return b"".join(response.streaming_content)

    return read


@pytest.fixture
def five(db):
    """A GPU with samples 0 to 4, one per second, some metrics and what has no column."""
    gpu = make_gpu()
    make_samples(gpu, 5, energy_consumption_mj=2**53 + 1, extra={"DCGM_FI_DEV_FAN_SPEED": 40})
    return gpu


def tables(data, format_):
    reader = parquet.read_table if format_ == "parquet" else lambda f: ipc.open_stream(f).read_all()
    return reader(io.BytesIO(data))


def test_csv_has_a_line_of_names_and_one_per_sample(file, five):
    text = file(PATH, "csv", metrics="power_draw,temperature").decode()
    assert text.splitlines() == [
        "timestamp,power_draw,temperature",
        *(f"2025-07-18T20:42:{34 + n}.000000Z,{n}," for n in range(5)),
    ]


def test_files_are_made_in_development_too(file, five, settings):
    settings.DEBUG = True
    assert len(file(PATH, "csv").splitlines()) == 6


def test_ndjson_has_the_objects_of_the_page(file, get, five):
    lines = file(PATH, "ndjson").splitlines()
    assert [json.loads(line) for line in lines] == get(PATH)["results"]


@pytest.mark.parametrize("format_", ["parquet", "arrow"])
def test_tables_are_typed(file, five, format_):
    table = tables(file(PATH, format_), format_)
    assert table.schema.field("timestamp").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("gpu_utilization").type == pa.float32()
    assert table["power_draw"].to_pylist() == [0, 1, 2, 3, 4]
    assert table["energy_consumption_mj"].to_pylist() == [2**53 + 1] * 5
    assert table["temperature"].null_count == 5
    assert json.loads(table["extra"][0].as_py()) == {"DCGM_FI_DEV_FAN_SPEED": 40}


@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet", "arrow"])
def test_a_window_without_samples_is_a_file_without_rows(file, five, format_):
    data = file(PATH, format_, start_time="2030-01-01")
    if format_ in ("parquet", "arrow"):
        assert tables(data, format_).num_rows == 0
    else:
        assert len(data.splitlines()) == (format_ == "csv")


@pytest.mark.parametrize("format_", ["csv", "ndjson"])
def test_a_file_holds_more_than_a_page_unless_limit_says_otherwise(file, format_):
    make_samples(make_gpu(), 250)
    head = format_ == "csv"
    assert len(file(PATH, format_).splitlines()) == 250 + head
    assert len(file(PATH, format_, limit=7).splitlines()) == 7 + head


def test_the_newest_sample_can_come_first(file, five):
    lines = file(PATH, "csv", metrics="power_draw", order="desc").decode().splitlines()
    assert [line[-1] for line in lines[1:]] == ["4", "3", "2", "1", "0"]


def test_the_header_accept_chooses_the_form(client, public, five):
    response = client.get(PATH, headers={"Accept": "text/csv;q=0.9, image/png"})
    assert response.headers["Content-Type"].startswith("text/csv")
    assert response.headers["Content-Disposition"] == (
        'attachment; filename="telemetry-GPU-host-1-0.csv"'
    )
    for accept in (
        "application/json",
        "application/json; charset=utf-8",
        "application/*",
        "*/*",
        "text/csv;q=0.1, application/json",
        "text/csv;q=0, */*;q=0.1",
    ):
        assert client.get(PATH, headers={"Accept": accept}).json()["count"] == 5
    for accept in ("application/json;q=0", "a", "text/csv," * 1000):
        assert client.get(PATH, headers={"Accept": accept}).status_code == 406


@pytest.mark.parametrize("path", ["/api/v1/telemetry", "/api/v1/telemetry/latest"])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_is_escaped_and_numbers_are_not(file, path, start):
    make_samples(make_gpu(f"{start}cmd", uuid="a", device=f"{start}1"), 1, temperature=-5)
    (row,) = csv.DictReader(io.StringIO(file(path, "csv").decode(), newline=""))
    assert row["hostname"] == f"'{start}cmd"
    assert row["temperature"] == "-5"


@pytest.mark.parametrize("format_", ["ndjson", "parquet", "arrow"])
def test_other_forms_hold_texts_as_they_are(file, format_):
    text = '=1,"\n\r\\x\u20ac'
    make_samples(make_gpu("host-1", 0, device=text), 1)
    data = file("/api/v1/telemetry/latest", format_)
    if format_ == "ndjson":
        assert json.loads(data)["device"] == text
    else:
        assert tables(data, format_)["device"].to_pylist() == [text]


def test_an_empty_text_is_not_a_missing_one(file, five):
    table = tables(file("/api/v1/telemetry/latest", "arrow"), "arrow")
    assert table["device"].to_pylist() == [""]


def test_buckets_are_spread_over_columns(file, five):
    data = file(PATH, "csv", resolution="1m", metrics="power_draw,energy_consumption_mj")
    (row,) = csv.DictReader(io.StringIO(data.decode()))
    assert row == {
        "timestamp": "2025-07-18T20:42:00.000000Z",
        "count": "5",
        "power_draw_min": "0",
        "power_draw_avg": "2",
        "power_draw_max": "4",
        "power_draw_last": "4",
        "energy_consumption_mj_last": str(2**53 + 1),
        "energy_consumption_mj_delta": "0",
        "energy_consumption_mj_rate": "0",
    }


@pytest.mark.parametrize("format_", ["parquet", "arrow"])
def test_buckets_of_every_metric_are_typed_tables(file, five, format_):
    table = tables(file("/api/v1/telemetry", format_, resolution="1h"), format_)
    assert table["uuid"].to_pylist() == ["GPU-host-1-0"]
    assert table["power_draw_avg"].to_pylist() == [2]


def test_a_file_of_the_fleet_says_which_gpu_each_sample_is_of(file, five):
    make_samples(make_gpu("host-1", 1), 2)
    rows = list(csv.DictReader(io.StringIO(file("/api/v1/telemetry", "csv").decode())))
    assert [row["uuid"][-1] for row in rows] == ["0"] * 5 + ["1"] * 2
    assert set(rows[0]) >= {"uuid", "cluster", "hostname", "gpu_id"}


def test_a_window_too_large_for_a_file_is_refused_before_it_starts(
    client, public, five, monkeypatch
):
    monkeypatch.setattr(queries, "MAX_EXPORTED", 4)
    response = client.get(PATH, {"format": "csv"})
    assert (response.status_code, response.json()["parameter"]) == (400, "format")
    assert client.get(PATH, {"format": "csv", "limit": 5}).status_code == 200


def test_a_file_of_an_unknown_gpu_is_not_found(client, public, db):
    assert client.get(PATH, {"format": "csv"}).status_code == 404


def test_a_file_has_no_pages(client, public, five):
    response = client.get(PATH, {"format": "csv", "cursor": "after-0"})
    assert (response.status_code, response.json()["parameter"]) == (400, "cursor")


@pytest.mark.django_db(transaction=True)
def test_a_file_that_nobody_takes_to_its_end_holds_nothing_up(client, public):
    make_samples(make_gpu(), 20_000)
    response = client.get(PATH, {"format": "ndjson"})
    assert len(next(response.streaming_content)) < 200_000
    response.close()
    assert client.get(PATH).json()["count"] == 20_000
