"""What a streamer finds to read: whole files or parts, once, as they grow, again and again."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workers.streamer.parts import Part, identify, parts_of
from workers.streamer.report import Report
from workers.streamer.shares import Alone
from workers.streamer.work import Files, Task

HEADER, ROW = b"timestamp,gpu_id\n", b"2026-01-01T00:00:00Z,0\n"


@dataclass
class Opened:
    """A source that is only looked at."""

    part: Part
    offset: int
    total_bytes: int = 0

    @property
    def name(self):
        return self.part.name

    def chunks(self):
        return iter(())


@dataclass
class Group(Alone):
    """One of a group; what the others have is told."""

    part_bytes: int | None = 100  # type: ignore[assignment]
    lasting: bool = True
    others: set[str] = field(default_factory=set)
    _offsets: dict[str, int] = field(default_factory=dict)

    def is_mine(self, piece):
        return piece.split("#")[1] not in self.others


def write(path: Path, rows: int) -> Path:
    path.write_bytes(HEADER + ROW * rows)
    return path


def files(paths, shares=None, report=None, **mode) -> Files:
    return Files(
        [str(path) for path in paths], Opened, shares or Alone(), report or Report(), **mode
    )


def opened(task: Task) -> Opened:
    assert isinstance(task.source, Opened)
    return task.source


def where(tasks: Sequence[Task]) -> list[tuple[str, int]]:
    return [(opened(task).part.path.name, opened(task).offset) for task in tasks]


def test_once_every_file_is_found_once_and_then_it_is_over(tmp_path):
    work = files([write(tmp_path / "a.csv", 1), write(tmp_path / "b.csv", 1)])
    tasks = work.look()
    assert where(tasks) == [("a.csv", 0), ("b.csv", 0)]
    assert not work.over
    for task in tasks:
        work.settle(task, task.limit)
    write(tmp_path / "c.csv", 1)
    assert work.look() == []
    assert work.over


def test_a_file_that_cannot_be_read_is_not_tried_again_unless_it_grows(tmp_path):
    path = write(tmp_path / "a.csv", 1)
    work = files([path], watch=True)
    work.give_up(work.look()[0])
    assert work.look() == []
    write(path, 2)
    assert where(work.look()) == [("a.csv", 0)]


def test_a_watched_file_is_read_on_from_where_it_was_when_it_has_grown(tmp_path):
    path = write(tmp_path / "a.csv", 2)
    work = files([tmp_path], watch=True)
    (task,) = work.look()
    assert task.growing
    work.settle(task, task.limit - 3)
    assert work.look() == []
    write(path, 5)
    assert where(work.look()) == [("a.csv", task.limit - 3)]
    assert not work.over


def test_watching_picks_up_files_and_folders_that_come_later(tmp_path):
    report = Report()
    work = files([tmp_path / "later.csv", tmp_path / "folder"], report=report, watch=True)
    (tmp_path / "folder").mkdir()
    assert work.look() == []
    write(tmp_path / "later.csv", 1)
    write(tmp_path / "folder" / "x.csv", 1)
    assert where(work.look()) == [("later.csv", 0), ("x.csv", 0)]
    assert report.failures == []


def test_a_watched_file_without_a_whole_row_is_left_for_later(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER + ROW[:-1])
    work = files([path], watch=True)
    assert work.look() == []
    write(path, 1)
    assert where(work.look()) == [("a.csv", 0)]


def test_another_file_under_the_same_name_is_read_from_its_beginning(tmp_path):
    path = write(tmp_path / "a.csv", 3)
    work = files([path], watch=True)
    (task,) = work.look()
    work.settle(task, task.limit)
    path.write_bytes(HEADER + b"2027-01-01T00:00:00Z,1\n" * 5)
    assert where(work.look()) == [("a.csv", 0)]


def test_a_loop_begins_every_file_anew(tmp_path):
    work = files([write(tmp_path / "a.csv", 1)], loop=True)
    for _ in range(3):
        (task,) = work.look()
        work.settle(task, task.limit)
        assert where([task]) == [("a.csv", 0)]
        assert not work.over


def test_a_file_that_is_not_there_is_an_error_once(tmp_path):
    report = Report()
    work = files([tmp_path / "no.csv"], report=report)
    assert work.look() == []
    assert work.over
    assert len(report.failures) == 1


def test_a_group_reads_a_file_in_parts_each_by_one_of_it(tmp_path):
    path = write(tmp_path / "a.csv", 20)
    one, two = Group(others={"1", "3"}), Group(others={"0", "2", "4"})
    sizes = [[opened(task).part.start for task in files([path], g).look()] for g in (one, two)]
    assert sizes == [[0, 200, 400], [100, 300]]


def test_a_group_is_over_when_every_part_is_read_by_whomever(tmp_path):
    shares = Group(others={"0"})
    work = files([write(tmp_path / "a.csv", 4)], shares)
    (task,) = work.look()
    work.settle(task, task.limit)
    assert work.look() == []
    assert not work.over
    shares.set_offset(task.name.replace("#1", "#0"), 100)
    assert work.look() == []
    assert work.over


def test_a_group_goes_on_where_it_was(tmp_path):
    shares = Group(part_bytes=10_000)
    path = write(tmp_path / "a.csv", 4)
    (task,) = files([path], shares).look()
    files([path], shares).settle(task, 40)
    assert where(files([path], shares).look()) == [("a.csv", 40)]


def test_the_growing_end_of_a_groups_file_belongs_to_its_last_part(tmp_path):
    shares = Group()
    path = write(tmp_path / "a.csv", 6)  # 155 bytes
    work = files([path], shares, watch=True)
    first, last = work.look()
    assert (first.growing, last.growing) == (False, True)
    work.settle(first, 109)
    work.settle(last, 155)
    write(path, 12)
    assert where(work.look()) == [("a.csv", 155), ("a.csv", 200)]


@pytest.mark.parametrize("part_bytes", [None, 10])
def test_a_compressed_file_is_one_part_that_does_not_grow(tmp_path, part_bytes):
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(HEADER + ROW * 1000))
    (task,) = files([path], Group(part_bytes=part_bytes), watch=True).look()
    assert (task.growing, task.divisible, opened(task).part.end) == (False, False, None)


def test_parts_cover_a_file_without_gaps(tmp_path):
    found = identify(write(tmp_path / "a.csv", 1))
    assert found is not None
    for size in (0, 1, 99, 100, 101, 1000):
        parts = parts_of(tmp_path / "a.csv", found, size, 100)
        assert parts[0].start == 0
        assert [part.end for part in parts[:-1]] == [part.start for part in parts[1:]]
        assert max(part.limit(size) for part in parts) == size
