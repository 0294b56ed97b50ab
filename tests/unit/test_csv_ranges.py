"""Parts of a CSV file: every row is in one of them, and a reader can go on where another ended."""

import random

import pytest

from tests.unit.csv_samples import CHECK_TIME, DCGM_ROW, WIDE_ROW, record_of, row_bytes
from workers.sources import csv_file
from workers.sources.csv_file import CsvFile

LAYOUTS = {"dcgm": DCGM_ROW, "wide": WIDE_ROW}


@pytest.fixture(params=LAYOUTS)
def row(request):
    return LAYOUTS[request.param]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 4096)


def write(path, row, lines):
    path.write_bytes(",".join(row).encode() + b"\n" + b"".join(lines))
    return path


def rows(row, count, **fields):
    return [row_bytes({**row, "uuid": f"GPU-{n}", **fields}) for n in range(count)]


def read(path, start=0, end=None, **options):
    return list(CsvFile(path, CHECK_TIME, start, end, **options).chunks())


def uuids(chunks):
    return [record_of(draft).uuid for chunk in chunks for draft in chunk.drafts]


def lines(chunks):
    return [rejection.line for chunk in chunks for rejection in chunk.rejections]


FIELDS = {
    "plain": {},
    "newlines in fields": {"device": "a\n\nb,\nc"},
    "quotes in fields": {"device": 'a 24"" one'},
}


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("part_bytes", [100, 777, 5000, 100_000])
def test_parts_of_any_size_hold_every_row_once(tmp_path, row, fields, part_bytes):
    path = write(tmp_path / "f.csv", row, rows(row, 100, **fields))
    size = path.stat().st_size
    found = [
        uuid
        for start in range(0, size, part_bytes)
        for uuid in uuids(read(path, start, start + part_bytes))
    ]
    assert found == [f"GPU-{n}" for n in range(100)]


@pytest.mark.parametrize("stray", [b'"open,x\n', b'a 24" one,x\n', b"x\n", b"\xff\n", b'"""\n'])
@pytest.mark.parametrize("part_bytes", [333, 2000])
def test_a_stray_quote_moves_nothing_into_two_parts_or_none(tmp_path, row, stray, part_bytes):
    good = rows(row, 60)
    path = write(tmp_path / "f.csv", row, [*good[:20], stray, *good[20:]])
    parts = [
        read(path, start, start + part_bytes) for start in range(0, path.stat().st_size, part_bytes)
    ]
    assert [uuid for part in parts for uuid in uuids(part)] == [f"GPU-{n}" for n in range(60)]
    assert [line for part in parts for line in lines(part)] == [22]


def test_a_part_is_the_rows_that_begin_in_it(tmp_path, row):
    header = len(",".join(row)) + 1
    path = write(tmp_path / "f.csv", row, all_rows := rows(row, 3))
    second = header + len(all_rows[0])
    assert uuids(read(path, second)) == ["GPU-1", "GPU-2"]
    assert uuids(read(path, second + 1)) == ["GPU-2"]
    assert uuids(read(path, second, second + 1)) == ["GPU-1"]
    assert uuids(read(path, 0, second)) == ["GPU-0"]
    assert uuids(read(path, 0, header)) == []
    assert uuids(read(path, second + 1, second + 2)) == []
    assert uuids(read(path, path.stat().st_size)) == []


def test_rejections_keep_their_lines_in_every_part(tmp_path, row):
    good = rows(row, 50, device="a\nb")
    path = write(tmp_path / "f.csv", row, [*good[:20], b"bad\n", *good[20:40], b"bad\n"])
    whole = lines(read(path))
    assert whole == [42, 83]
    size = path.stat().st_size
    assert [n for at in range(0, size, 700) for n in lines(read(path, at, at + 700))] == whole


@pytest.mark.parametrize("seed", range(5))
def test_a_reader_goes_on_where_the_last_one_ended(tmp_path, monkeypatch, row, seed):
    monkeypatch.setattr("workers.sources.csv_layout.WINDOW_ROWS", 10)
    rng = random.Random(seed)
    good = rows(row, 200, device="a\nb")
    good[50] = b'"open,x\n'
    path = write(tmp_path / "f.csv", row, good)
    at, found = 0, []
    while True:
        chunks = CsvFile(path, CHECK_TIME, at).chunks()
        taken = [chunk for chunk, _ in zip(chunks, range(rng.randrange(6, 12)), strict=False)]
        found += uuids(taken)
        if taken[-1].resume_at == path.stat().st_size:
            break
        assert taken[-1].resume_at > at
        at = taken[-1].resume_at
    assert sorted(set(found)) == sorted({f"GPU-{n}" for n in range(200)} - {"GPU-50"})


def test_whichever_chunk_was_the_last_no_row_is_left_out(tmp_path, monkeypatch, row):
    monkeypatch.setattr("workers.sources.csv_layout.WINDOW_ROWS", 10)
    path = write(tmp_path / "f.csv", row, rows(row, 200))
    chunks = read(path)
    assert len(chunks) > 6
    for number, chunk in enumerate(chunks):
        before = uuids(chunks[: number + 1])
        after = uuids(read(path, chunk.resume_at))
        assert {*before, *after} == {f"GPU-{n}" for n in range(200)}
        if row is WIDE_ROW:  # long rows that were held back are read again
            assert len(before) + len(after) == 200
    assert chunks[-1].resume_at == path.stat().st_size


@pytest.mark.parametrize("end", [b"", b"GPU", b'"', b'"2025-07-18T20:42:34Z","x'])
def test_a_line_that_is_being_written_is_left_for_later(tmp_path, row, end):
    path = write(tmp_path / "f.csv", row, rows(row, 3))
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(end)
    chunks = read(path, growing=True)
    assert uuids(chunks) == ["GPU-0", "GPU-1", "GPU-2"]
    assert lines(chunks) == []
    assert chunks[-1].resume_at == size


def test_a_growing_file_is_read_on_from_where_it_ended(tmp_path, row):
    path = write(tmp_path / "f.csv", row, [])
    last, at, found = rows(row, 1)[0], 0, []
    for n in range(20):
        with path.open("ab") as file:
            file.write(last[n * 5 :] + row_bytes({**row, "uuid": f"GPU-{n}"}) + last[: n * 5 + 5])
        chunks = read(path, at, growing=True)
        found += uuids(chunks)
        at = chunks[-1].resume_at
    assert {f"GPU-{n}" for n in range(20)} <= set(found)


def test_progress_of_a_part_goes_up_to_its_size(tmp_path, row):
    path = write(tmp_path / "f.csv", row, rows(row, 300))
    size = path.stat().st_size
    for start, end in [(0, 5000), (5000, 20_000), (20_000, None)]:
        source = CsvFile(path, CHECK_TIME, start, end)
        done = [chunk.bytes_done for chunk in source.chunks()]
        assert done == sorted(done)
        assert done[-1] == source.total_bytes == min(end or size, size) - start


def test_a_file_that_was_written_anew_is_counted_anew(tmp_path, row):
    good = rows(row, 50)
    path = write(tmp_path / "f.csv", row, [*good[:40], b"bad\n", *good[40:]])
    assert lines(read(path, 5000)) == [42]
    write(path, row, [good[0].replace(b"nvidia0", b"a\nb\nc"), *good[:40], b"bad\n", *good[40:]])
    assert lines(read(path, 5001)) == [45]
