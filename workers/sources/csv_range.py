"""The blocks of a part of a CSV file, from the first row that begins in it to the end of the last.

A plain file is entered in the middle. Of a compressed one all that is before must be read, and its
quotes are not looked at: it is entered only where a reader of the same rows left off.
"""

from collections.abc import Iterator
from pathlib import Path

from workers.sources.compressed import Stream
from workers.sources.csv_places import Place, row_at

SKIP_BYTES = 1024 * 1024


def enter(
    stream: Stream, path: Path, header: tuple[int, bytes], start: int, width: int
) -> tuple[Place, bytes] | None:
    """The first row that begins at `start` or after it, and what of its block is read already.

    `header` is the offset behind the header and what was read after it. None if no row begins
    there. Raises what the stream does.
    """
    offset, after = header
    if start <= offset:
        return Place(offset, 2), after
    if stream.is_compressed:
        return _skip(stream, Place(offset, 2), after, start)
    if (place := row_at(path, start, width)) is None:
        return None
    stream.seek(place.offset)
    return place, b""


def blocks(
    stream: Stream, place: Place, first: bytes, end: int | None, size: int
) -> Iterator[bytes]:
    """Blocks of about `size` bytes from `place` on, up to where a row begins at `end` or after it.

    `end` is such an offset already, or falls into a line, which is then the last one.
    """
    at = place.offset
    block = first or stream.read(size)
    while block and (end is None or at < end):
        if end is not None and at + len(block) >= end:
            newline = block.find(b"\n", end - 1 - at)
            if newline >= 0:
                yield block[: newline + 1]
                return
            end = at + len(block) + 1
        yield block
        at += len(block)
        block = stream.read(size)


def _skip(stream: Stream, place: Place, block: bytes, start: int) -> tuple[Place, bytes] | None:
    at, line = place.offset, place.line
    while True:
        newline = block.find(b"\n", max(0, start - 1 - at)) if at + len(block) >= start else -1
        if newline >= 0:
            line += block.count(b"\n", 0, newline + 1)
            return Place(at + newline + 1, line), block[newline + 1 :]
        line += block.count(b"\n")
        at += len(block)
        if not (block := stream.read(SKIP_BYTES)):
            return None
