"""Compressed CSV files: known by their content, read in bounded memory, damage is one error."""

import gzip
import tracemalloc

import pytest
from backports import zstd

from tests.unit.csv_samples import CHECK_TIME, DCGM_ROW, WIDE_ROW, record_of, row_bytes
from workers.sources.csv_file import CsvFile
from workers.sources.source import SourceError

COMPRESS = {"gzip": gzip.compress, "zstd": zstd.compress}
LAYOUTS = {"dcgm": DCGM_ROW, "wide": WIDE_ROW}


@pytest.fixture(params=COMPRESS)
def compress(request):
    return COMPRESS[request.param]


@pytest.fixture(params=LAYOUTS)
def row(request):
    return LAYOUTS[request.param]


def text(row, count):
    lines = [row_bytes({**row, "uuid": f"GPU-{n}", "device": f"d{n * n}"}) for n in range(count)]
    return ",".join(row).encode() + b"\n" + b"".join(lines)


def write(tmp_path, data):
    path = tmp_path / "telemetry.csv"
    path.write_bytes(data)
    return path


def read(path, start=0, end=None):
    """(UUIDs, last chunk, the error if there was one)."""
    found, last = [], None
    try:
        for last in CsvFile(path, CHECK_TIME, start, end).chunks():
            found += [record_of(draft).uuid for draft in last.drafts]
    except SourceError as error:
        return found, last, error
    return found, last, None


def test_a_compressed_file_reads_like_the_plain_one(tmp_path, row, compress):
    path = write(tmp_path, compress(plain := text(row, 2000)))
    found, last, error = read(path)
    assert error is None
    assert found == [f"GPU-{n}" for n in range(2000)]
    assert last.resume_at == len(plain)
    assert last.bytes_done == CsvFile(path, CHECK_TIME).total_bytes == path.stat().st_size


def test_an_archive_of_several_members_is_read_to_its_end(tmp_path, row, compress):
    plain = text(row, 1000)
    parts = [compress(plain[at : at + 10_000]) for at in range(0, len(plain), 10_000)]
    found, _, error = read(write(tmp_path, b"".join(parts)))
    assert error is None
    assert len(found) == 1000


@pytest.mark.parametrize("start", [0, 500, 20_001, 200_000])
def test_offsets_are_those_of_the_plain_text(tmp_path, row, compress, start):
    plain = text(row, 2000)
    whole = read(write(tmp_path, plain), start, 1_000_000)
    assert read(write(tmp_path, compress(plain)), start, 1_000_000)[0] == whole[0]
    assert whole[0]


def test_of_an_archive_cut_short_comes_what_can_be_read(tmp_path, row, compress):
    data = compress(text(row, 20_000))
    found, last, error = read(write(tmp_path, data[: len(data) * 9 // 10]))
    assert "telemetry.csv" in str(error)
    assert "incomplete" in str(error)
    assert len(found) > 5000
    assert found == [f"GPU-{n}" for n in range(len(found))]
    assert read(write(tmp_path, data), last.resume_at)[0][0] == f"GPU-{len(found)}"


def test_a_damaged_archive_is_one_clear_error(tmp_path, row, compress):
    data = bytearray(compress(text(row, 20_000)))
    at = len(data) // 2
    data[at : at + 200] = bytes(200)
    found, _, error = read(write(tmp_path, bytes(data)))
    assert "damaged" in str(error)
    assert found[:5000] == [f"GPU-{n}" for n in range(5000)]


def test_a_frame_that_wants_too_much_memory_is_refused(tmp_path):
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 24}
    compressor = zstd.ZstdCompressor(options=options)
    data = compressor.compress(text(WIDE_ROW, 10)) + compressor.flush()
    _, _, error = read(write(tmp_path, data))
    assert "compress it again with --long=23" in str(error)


@pytest.mark.parametrize("line", [b"x", b"\n", b","])
def test_a_bomb_takes_no_more_memory_than_any_file(tmp_path, compress, line):
    header = ",".join(WIDE_ROW).encode() + b"\n"
    piece = line * (250_000 // len(line))
    path = write(tmp_path, compress(header) + compress(piece) * 4)
    tracemalloc.start()
    for _ in CsvFile(path, CHECK_TIME).chunks():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000_000
