"""What readers of CSV keep is bounded, whatever stands in the rows."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.csv_samples import CHECK_TIME, DCGM_ROW, WIDE_ROW, row_bytes
from workers.sources import csv_window
from workers.sources.csv_file import CsvFile
from workers.sources.csv_identity import Gpu
from workers.sources.csv_table import MAX_COLUMNS, read_table
from workers.sources.csv_window import Window
from workers.sources.memory import Memory

AT = datetime(2026, 1, 5, tzinfo=UTC)


def fill(window, count, labels=""):
    gpu = Gpu("h", "0", labels, {})
    drafts = []
    for number in range(count):
        group = window.group("u", AT + timedelta(seconds=number), gpu, 0)
        group.rows += 1
        window.held_rows += 1
        drafts += window.release()
    return drafts


def test_a_window_holds_no_more_groups_than_it_may():
    window = Window(window_rows=100, window_groups=3)
    assert len(fill(window, 10)) == 7
    assert len(window.release_all()) == 3


def test_a_window_holds_no_more_text_than_it_may(monkeypatch):
    monkeypatch.setattr(csv_window, "WINDOW_TEXT_BYTES", 30)
    window = Window(window_rows=100)
    assert len(fill(window, 10, labels="x" * 9)) == 7
    window.add_extra(window.group("u", AT + timedelta(seconds=9), Gpu("", "", "", {}), 0), "m", "y")
    assert len(window.release()) == 1


def test_a_memory_forgets_when_it_holds_too_many_or_too_much():
    memory = Memory[str, int](most=2, most_bytes=10)
    memory.add("a", 1, 4)
    memory.add("b", 2, 4)
    assert (memory.get("a"), memory.get("b")) == (1, 2)
    memory.add("c", 3, 7)
    assert ("a" in memory, "b" in memory, memory.get("c")) == (False, False, 3)
    memory.add("d", 4, 4)
    assert ("c" in memory, memory.get("d")) == (False, 4)


def test_lines_with_very_many_fields_are_no_table():
    line = b"," * (MAX_COLUMNS - 1) + b"x\n"
    assert read_table(line, 0, len(line), MAX_COLUMNS) is not None
    assert read_table(b"," + line, 0, len(line) + 1, MAX_COLUMNS + 1) is None
    many = line * 300
    assert read_table(many, 0, len(many), MAX_COLUMNS) is None


@pytest.mark.parametrize(
    ("row", "change"),
    [
        (WIDE_ROW, lambda number: {"timestamp": f"2026-01-05T00:00:00Z{' ' * 30_000}{number}"}),
        (WIDE_ROW, lambda number: {"timestamp": "2026-01-05T00:00:00Z" + " " * (30_000 + number)}),
        (WIDE_ROW, lambda number: {"uuid": f"GPU-{number}" + " " * 30_000}),
        (DCGM_ROW, lambda number: {"uuid": f"GPU-{number}" + " " * 30_000}),
        (DCGM_ROW, lambda number: {"uuid": f"GPU-{number}", "pod": "p" * 30_000}),
        (DCGM_ROW, lambda number: {"timestamp": f"2026-01-05T{' ' * 30_000}{number}"}),
    ],
)
def test_long_fields_that_are_new_in_each_row_are_not_kept(tmp_path, row, change):
    path = tmp_path / "f.csv"
    with path.open("wb") as file:
        file.write(",".join(row).encode() + b"\n")
        file.writelines(row_bytes({**row, **change(number)}) for number in range(3000))
    tracemalloc.start()
    for _ in CsvFile(path, CHECK_TIME).chunks():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60_000_000
