"""Reading by columns changes the speed and nothing else: the same drafts, lines and reasons."""

import random

import pytest

from apps.telemetry.metrics import METRIC_NAMES
from tests.unit.csv_samples import CHECK_TIME, DCGM_ROW, UUID, WIDE_ROW, record_of, row_bytes
from workers.sources.csv_file import CsvFile
from workers.sources.csv_rows import RowSplitter
from workers.sources.csv_table import read_table

NUMBERS = [
    "0", "-0", "-1", "1", "97", "100", "100.0", "100.5", "41.25", "-0.5", "007", "1.", ".5", "+5",
    "1e2", "7.56413588155e+12", "12345678901234567", "9007199254740993", "9223372036854775807",
    "9223372036854775791", "9223372036854775794", "140737488355327", "140737488355328",
    "140737488355329.5", "2147483631", "2147483634", "2147483647", "2147483634.0", "1e400", "nan",
    "inf", "N/A", " N/A ", "[N/A]", "<<<NULL>>>", "null", "None", "true", "x", " 97", "97 ", "{}",
    "", "0.1", "376.810", "0.30000000000000004", "123456.789012345678901", "16777216", "16777217",
    '"5"', "5,6", "٣", "12\t", "-12.5",
]  # fmt: skip
TIMES = [
    "2025-07-18T20:42:34Z", "2025-07-18T20:42:35Z", "2025-07-18T22:42:34.5+02:00", "1752871354.5",
    "1970-01-01T00:00:00Z", "", "yesterday", " 2025-07-18T20:42:34Z ", "2025-07-18T20:42:34",
]  # fmt: skip
TEXTS = {
    "uuid": [UUID, "GPU-2", "", " GPU-2 ", "GPU 2", "N/A"],
    "gpu_id": ["0", "1", "01", "-1", "x", "", "32768"],
    "hostname": ["node-1", "node_2", "rack/1", "", "h" * 300],
    "device": ["nvidia0", "", 'a 24" one', "ä, ö", "N/A", "m" * 2000],
    "pod": ["", "007", "null", 'x"y'],
    "labels_raw": [
        DCGM_ROW["labels_raw"].replace('""', '"'), "", 'pci_bus_id="1",a="b"', ',"', '",',
        'pci_bus_id="' + "x" * 1100 + '"',
    ],
    "rack": ["", "B12", "7", "0.25", "1e3", "nan", "inf", " 8 ", "2147483634", "ä"],
    "metric_name": [
        "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_XID_ERRORS",
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "DCGM_FI_DEV_FAN_SPEED", "NEW", "", "not a name",
    ],
}  # fmt: skip
ODD_LINES = [
    b"", b"a,b,c", b",,,", b"caf\xe9", b"a\0b", b'"a"x,b', b'"open', b"\r", b"x" * 70_000,
    b'"a""b,c', b'""x,""', b"," * 30,
]  # fmt: skip
WIDE = {**WIDE_ROW, "rack": "B12"}
HEADERS = {"dcgm": DCGM_ROW, "wide": WIDE}


def cell(rng, name, usual, wrong):
    """The usual text of a field, or any other with the probability `wrong`."""
    name = {"Hostname": "hostname"}.get(name, name)
    if name in METRIC_NAMES or name == "value":
        choices = NUMBERS
    else:
        choices = TIMES if name == "timestamp" else TEXTS.get(name, [usual])
    if name in ("timestamp", "uuid", "metric_name") and rng.random() < 0.5:
        return rng.choice(choices[:2])
    return rng.choice(choices) if rng.random() < wrong else usual


def line(rng, row, wrong):
    fields = []
    for name, usual in row.items():
        text = cell(rng, name, usual.replace('""', '"'), wrong)
        quoted = '"' + text.replace('"', '""') + '"'
        plain = not set('",\n') & set(text)
        fields.append(text if plain and rng.random() < 0.5 else quoted)
    return ",".join(fields).encode()


def any_file(rng, row):
    wrong = rng.choice([0.0, 0.02, 0.3])
    odd = rng.choice([0.0, 0.0, 0.05])
    end = rng.choice([b"\n", b"\n", b"\r\n"])
    lines = [
        rng.choice(ODD_LINES) if rng.random() < odd else line(rng, row, wrong)
        for _ in range(rng.randrange(1, 120))
    ]
    return ",".join(row).encode() + b"\n" + end.join(lines) + rng.choice([b"", end])


def read(path):
    """(drafts as text, rejections, rows) of a file; 1 and 1.0 are not the same here."""
    chunks = list(CsvFile(path, CHECK_TIME).chunks())
    return (
        [repr((draft[:3], record_of(draft))) for chunk in chunks for draft in chunk.drafts],
        [rejection for chunk in chunks for rejection in chunk.rejections],
        sum(chunk.rows for chunk in chunks),
    )


@pytest.mark.parametrize("layout", HEADERS)
@pytest.mark.parametrize("seed", range(60))
def test_any_file_is_the_same_by_columns_and_row_by_row(tmp_path, monkeypatch, layout, seed):
    path = tmp_path / "telemetry.csv"
    path.write_bytes(any_file(random.Random(seed), HEADERS[layout]))
    by_columns = read(path)
    monkeypatch.setattr("workers.sources.csv_rows.read_table", lambda *_: None)
    assert by_columns == read(path)


@pytest.mark.parametrize("layout", HEADERS)
@pytest.mark.parametrize("number", NUMBERS)
def test_any_number_is_the_same_by_columns_and_row_by_row(tmp_path, monkeypatch, layout, number):
    row = HEADERS[layout]
    names = ["value"] if layout == "dcgm" else [name for name in row if name in METRIC_NAMES]
    metrics = TEXTS["metric_name"] if layout == "dcgm" else [""]
    rows = [
        {**row, name: number.replace('"', '""')} | ({"metric_name": metric} if metric else {})
        for name in names
        for metric in metrics
    ]
    path = tmp_path / "telemetry.csv"
    path.write_bytes(",".join(row).encode() + b"\n" + b"".join(map(row_bytes, [row, *rows])))
    by_columns = read(path)
    monkeypatch.setattr("workers.sources.csv_rows.read_table", lambda *_: None)
    assert by_columns == read(path)


@pytest.mark.parametrize("line", [b'"a","b"', b"a,b", b'a,"b, ""c"""', b'"",x', "ä,漢".encode()])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_usual_lines_are_read_by_columns(line, end):
    (_, rows) = RowSplitter(2, first_line=1).take((line + end) * 10)
    assert rows.table is not None
    assert len(rows.table[0]) == 9


@pytest.mark.parametrize(
    "line",
    [
        b'"a"b,c', b'""a,c', b'a,"b', b'a"b,c', b'a,"b\nc"', b"a\rb,c", b"\xff,b", b"a\0,b", b"a",
        b"a,b,c", b"", b"\r", b"x" * 70_000 + b",y", b'"a" ,b', b'a, "b"', b'"a"",b',
    ],
)  # fmt: skip
def test_a_line_that_needs_a_closer_look_is_not_read_by_columns(line):
    data = b"a,b\n" + line + b"\nc,d\n"
    assert read_table(data, 0, len(data), 2) is None


def test_a_line_that_spans_blocks_does_not_disturb_the_others():
    data = b"".join(b'"%d","b"\n' % n for n in range(1000))
    splitter = RowSplitter(2, first_line=1)
    blocks = [data[at : at + 701] for at in range(0, len(data), 701)]
    found = [rows for block in blocks for rows in splitter.take(block)]
    lines = [line for rows in found for line in rows.lines]
    assert lines == list(range(1, 1001))
    assert sum(len(rows.lines) for rows in found if rows.table) > 900
    assert splitter.position == len(data)
