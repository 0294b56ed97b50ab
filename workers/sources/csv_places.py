"""Where rows begin in the middle of a CSV file, and on which line.

Everyone who divides a file at the same offsets gets the same rows, whatever is in it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from workers.sources.csv_rows import MAX_ROW_BYTES, MAX_ROW_LINES, begins_row

BLOCK_BYTES = 1024 * 1024
SEEN_FILES = 100
SEEN_BYTES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """An offset and the line, counted from 1, that begins there."""

    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class _Count:
    """What is before an offset, and the bytes just before it to tell whether it still is."""

    offset: int = 0
    newlines: int = 0
    quotes: int = 0
    seen: bytes = b""


# Parts of a file are read one after the other: the count goes on from the last one.
_counts: dict[tuple[int, int], _Count] = {}


def row_at(path: Path, offset: int, width: int) -> Place | None:
    """The first row that begins at `offset` or after it; None if no line does.

    A newline behind an odd number of quotes is inside a field, unless what follows it is a row of
    `width` fields: a stray quote earlier in the file must not move all that come after it. Raises
    OSError.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if offset > size:
            return None
        count = _count_to(file.fileno(), offset)
        start = offset - 1  # a newline there makes a row begin at the offset itself
        begins = _line_after(file.fileno(), start)
        if begins is None:
            return None
        between = os.pread(file.fileno(), begins - offset, offset)
        quotes = count.quotes + between.count(b'"')
        line = count.newlines + 1 + between.count(b"\n")
        return _first_row(file.fileno(), Place(begins, line), quotes, width)


def _first_row(fd: int, first: Place, quotes: int, width: int) -> Place:
    data = os.pread(fd, MAX_ROW_LINES * 1024 + MAX_ROW_BYTES, first.offset)
    at = first.offset
    lines = data.split(b"\n")
    for number, text in enumerate(lines[:MAX_ROW_LINES]):
        if quotes % 2 == 0 or begins_row(lines, number, width):
            return Place(at, first.line + number)
        quotes += text.count(b'"')
        at += len(text) + 1
    return first


def _line_after(fd: int, offset: int) -> int | None:
    """The offset behind the first newline at `offset` or after it."""
    while block := os.pread(fd, BLOCK_BYTES, offset):
        if (found := block.find(b"\n")) >= 0:
            return offset + found + 1
        offset += len(block)
    return None


def _count_to(fd: int, offset: int) -> _Count:
    status = os.fstat(fd)
    key = status.st_dev, status.st_ino
    count = _counts.get(key, _Count())
    if count.offset > offset or _seen(fd, count.offset) != count.seen:
        count = _Count()
    at, newlines, quotes = count.offset, count.newlines, count.quotes
    while at < offset and (block := os.pread(fd, min(BLOCK_BYTES, offset - at), at)):
        newlines += block.count(b"\n")
        quotes += block.count(b'"')
        at += len(block)
    count = _Count(at, newlines, quotes, _seen(fd, at))
    if len(_counts) >= SEEN_FILES:
        _counts.clear()
    _counts[key] = count
    return count


def _seen(fd: int, offset: int) -> bytes:
    return os.pread(fd, min(offset, SEEN_BYTES), max(0, offset - SEEN_BYTES))
