"""CSV files as a whole: bad rows of both layouts, bad files, the real export."""

import csv
import os
from pathlib import Path

import pytest

from tests.unit.csv_samples import DCGM_ROW, WIDE_ROW, read_bytes, read_rows, record_of, row_bytes
from workers.sources.csv_file import BLOCK_BYTES, CsvFile
from workers.sources.csv_rows import MAX_ROW_BYTES, MAX_ROW_LINES
from workers.sources.source import SourceError

EXPORT = Path(os.environ.get("DCGM_EXPORT_CSV", "../shared/data/dcgm_metrics_20250718_134233.csv"))
LAYOUTS = {"dcgm": DCGM_ROW, "wide": WIDE_ROW}
HOST = {"dcgm": "Hostname", "wide": "hostname"}
VALUE = {"dcgm": "value", "wide": "gpu_utilization"}
GPUS = ["GPU-1", "GPU-2", "GPU-3"]


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return request.param


def names_of(layout, **changes):
    names = {"host": HOST[layout], "value": VALUE[layout]}
    return {names.get(name, name): value for name, value in changes.items()}


BAD_FIELDS = {
    "a time without zone": ({"timestamp": "2025-07-18T20:42:34"}, "timezone"),
    "a date alone": ({"timestamp": "2025-07-18"}, "timestamp"),
    "no time": ({"timestamp": ""}, "timestamp"),
    "a time in 1970": ({"timestamp": "1970-01-01T00:00:00Z"}, "before 2015"),
    "a time in 2100": ({"timestamp": "2100-01-01T00:00:00Z"}, "in the future"),
    "a time before the first": ({"timestamp": "0001-01-01T00:00:00+05:00"}, "timestamp"),
    "a non-number": ({"value": "many"}, "'many' is not a number"),
    "not a number": ({"value": "nan"}, "'nan' is not a number"),
    "an infinity": ({"value": "inf"}, "'inf' is not a number"),
    "a hostname with a slash": ({"host": "rack/1"}, "hostname"),
    "a hostname of 300 characters": ({"host": "h" * 300}, "hostname"),
    "no hostname": ({"host": ""}, "hostname is empty"),
    "an empty UUID": ({"uuid": ""}, "uuid is empty"),
    "a UUID with a blank": ({"uuid": "GPU 1"}, "uuid"),
    "an index that is text": ({"gpu_id": "first"}, "gpu_id"),
    "an index below 0": ({"gpu_id": "-1"}, "gpu_id"),
    "a model of 2000 characters": ({"device": "m" * 2000}, "device"),
}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_a_bad_field_rejects_its_row_with_its_line_and_reason(tmp_path, layout, name):
    change, reason = BAD_FIELDS[name]
    rows = [{**LAYOUTS[layout], "uuid": uuid} for uuid in GPUS]
    rows[1].update(names_of(layout, **change))
    records, rejected, count = read_rows(tmp_path, *rows)
    assert [record.uuid for record in records] == ["GPU-1", "GPU-3"]
    assert [line for line, _ in rejected] == [3]
    assert reason in rejected[0][1]
    assert count == 3


BAD_LINES = {
    "a field too few": (b"a,b,c\n", "3 fields, the header has"),
    "a field too many": (b",".join([b"x"] * 50) + b"\n", "50 fields"),
    "a byte that is not UTF-8": (b"caf\xe9,b\n", "0xe9 is not UTF-8"),
    "a NUL byte": (b"a\0b\n", "NUL"),
    "a field of 1 MB": (b"x" * 1_000_000 + b",b\n", "longer than"),
    "a stray quote": (b'"2025-07-18T20:42:34Z,x\n', "quote"),
    "binary data": (bytes(range(1, 10)) + bytes(range(11, 256)) + b"\n", "UTF-8"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_rejects_itself_only(tmp_path, layout, name):
    line, reason = BAD_LINES[name]
    good = [{**LAYOUTS[layout], "uuid": f"GPU-{n}"} for n in range(400)]
    records, rejected, count = read_rows(tmp_path, *good[:200], line, *good[200:])
    assert len(records) == 400
    assert [number for number, _ in rejected] == [202]
    assert reason in rejected[0][1]
    assert count == 401


def test_an_underscore_in_a_hostname_is_fine(tmp_path, layout):
    row = {**LAYOUTS[layout], HOST[layout]: "rack_1_node_2"}
    (record,), rejected, _ = read_rows(tmp_path, row)
    assert not rejected
    assert record.hostname == "rack_1_node_2"


FORMS = {
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "no newline at the end": lambda data: data.rstrip(b"\n"),
    "empty lines": lambda data: data.replace(b"\n", b"\n\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_the_file_does_not_matter(tmp_path, layout, form):
    rows = [{**LAYOUTS[layout], "uuid": uuid} for uuid in GPUS]
    data = ",".join(rows[0]).encode() + b"\n" + b"".join(map(row_bytes, rows))
    assert read_bytes(tmp_path, FORMS[form](data)) == read_bytes(tmp_path, data)
    assert len(read_bytes(tmp_path, data)[0]) == 3


def test_quoted_commas_and_newlines_are_part_of_a_field(tmp_path, layout):
    rows = [{**LAYOUTS[layout], "uuid": uuid, "device": "a,\nb"} for uuid in GPUS]
    records, rejected, count = read_rows(tmp_path, *rows)
    assert not rejected
    assert count == 3
    assert {record.device for record in records} == {"a,\nb"}


def test_times_are_utc_whatever_their_zone(tmp_path, layout):
    texts = ["2025-07-18T22:42:34.5+02:00", "2025-07-18 20:42:34.5Z", "1752871354.5"]
    rows = [
        {**LAYOUTS[layout], "uuid": uuid, "timestamp": text}
        for uuid, text in zip(GPUS, texts, strict=True)
    ]
    records, rejected, _ = read_rows(tmp_path, *rows)
    assert not rejected
    assert {r.timestamp.isoformat() for r in records} == {"2025-07-18T20:42:34.500000+00:00"}


def test_a_file_of_many_blocks_loses_nothing(tmp_path, layout):
    count = 3 * BLOCK_BYTES // len(row_bytes(LAYOUTS[layout]))
    rows = [{**LAYOUTS[layout], "uuid": f"GPU-{n}"} for n in range(count)]
    records, rejected, read = read_rows(tmp_path, *rows)
    assert not rejected
    assert [record.uuid for record in records] == [f"GPU-{n}" for n in range(count)]
    assert read == count


def test_a_header_that_ends_where_a_block_ends_loses_nothing(tmp_path, monkeypatch):
    header = ",".join(WIDE_ROW).encode() + b"\n"
    monkeypatch.setattr("workers.sources.csv_file.BLOCK_BYTES", len(header))
    records, _, _ = read_bytes(tmp_path, header + row_bytes(WIDE_ROW))
    assert len(records) == 1


def test_a_header_alone_is_a_file_without_rows(tmp_path, layout):
    assert read_bytes(tmp_path, ",".join(LAYOUTS[layout]).encode()) == ([], [], 0)


BAD_FILES = {
    "empty": (b"", "is empty"),
    "a header of no layout": (b"a,b\n1,2\n", "neither layout"),
    "binary": (b"\x7fELF\0\0\0\n\0", "binary"),
    "binary without a newline": (bytes(range(128, 256)) * 10_000, "binary"),
    "an archive cut short": (b"\x1f\x8b\x08\0\0\0\0\0\0\3", "incomplete"),
    "UTF-16": ("timestamp,gpu_id\n".encode("utf-16"), "UTF-16"),
    "a first line without end": (b"a," * 1_000_000, "binary"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_clear_error(tmp_path, name):
    data, reason = BAD_FILES[name]
    with pytest.raises(SourceError, match=reason) as caught:
        read_bytes(tmp_path, data)
    assert "telemetry.csv" in str(caught.value)


def test_a_file_that_cannot_be_opened_is_one_clear_error(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        source = CsvFile(path, lambda timestamp: None)
        with pytest.raises(SourceError, match=f"{path}: cannot be read: "):
            list(source.chunks())


def test_a_file_that_is_not_there_has_no_size(tmp_path):
    assert CsvFile(tmp_path / "missing.csv", lambda timestamp: None).total_bytes is None


def test_a_chunk_is_bounded_and_its_position_grows_to_the_size(tmp_path):
    path = tmp_path / "telemetry.csv"
    path.write_bytes(",".join(WIDE_ROW).encode() + b"\n" + row_bytes(WIDE_ROW) * 10_000)
    source = CsvFile(path, lambda timestamp: None)
    done = [(chunk.bytes_done, chunk.rows) for chunk in source.chunks()]
    assert done == sorted(done, key=lambda item: item[0])
    assert done[-1][0] == source.total_bytes == path.stat().st_size
    assert max(rows for _, rows in done) <= BLOCK_BYTES // len(row_bytes(WIDE_ROW)) + 1


@pytest.mark.parametrize("garbage", [b"x", b"\0", b'"', b'"\n', b"\xff\n"])
def test_garbage_is_rejected_in_bounded_pieces(tmp_path, monkeypatch, garbage):
    block = 2 * MAX_ROW_BYTES
    monkeypatch.setattr("workers.sources.csv_file.BLOCK_BYTES", block)
    path = tmp_path / "telemetry.csv"
    count = 3 * block // len(garbage)
    path.write_bytes(",".join(WIDE_ROW).encode() + b"\n" + garbage * count)
    chunks = list(CsvFile(path, lambda timestamp: None).chunks())
    rejected = [len(chunk.rejections) for chunk in chunks]
    assert sum(rejected) == (count if garbage.endswith(b"\n") else 1)
    assert max(rejected) <= block // len(garbage) + MAX_ROW_LINES


def test_no_row_is_longer_than_a_block():
    assert MAX_ROW_BYTES < BLOCK_BYTES


@pytest.mark.skipif(not EXPORT.is_file(), reason=f"{EXPORT} is not there")
def test_every_value_of_the_real_export_is_read():
    chunks = list(CsvFile(EXPORT, lambda timestamp: None).chunks())
    records = [record_of(draft) for chunk in chunks for draft in chunk.drafts]
    assert sum(chunk.rows for chunk in chunks) == 2470
    assert not [rejection for chunk in chunks for rejection in chunk.rejections]
    assert len({record.uuid for record in records}) == 247
    assert len({record.hostname for record in records}) == 31
    assert {record.driver_version for record in records} == {"535.129.03"}
    found = {(r.uuid, r.timestamp.isoformat()[:19] + "Z"): r for r in records}
    names = {
        "GPU_UTIL": "gpu_utilization", "MEM_COPY_UTIL": "memory_utilization",
        "POWER_USAGE": "power_draw", "GPU_TEMP": "temperature", "FB_USED": "memory_used_mib",
        "FB_FREE": "memory_free_mib", "DEC_UTIL": "decoder_utilization",
        "ENC_UTIL": "encoder_utilization", "SM_CLOCK": "sm_clock_mhz",
        "MEM_CLOCK": "memory_clock_mhz",
    }  # fmt: skip
    with EXPORT.open(newline="") as file:
        for row in csv.DictReader(file):
            record = found[row["uuid"], row["timestamp"]]
            name = names[row["metric_name"].removeprefix("DCGM_FI_DEV_")]
            assert getattr(record, name) == float(row["value"])
            assert (record.hostname, str(record.gpu_id)) == (row["Hostname"], row["gpu_id"])
