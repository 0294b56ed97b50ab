"""A CSV file as a source, in either layout, as it is or compressed."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apps.telemetry.compression import what_is_wrong
from apps.telemetry.csv_header import UTF8_BOM, Header
from workers.sources.cells import TimeCheck, TimeReader
from workers.sources.compressed import DAMAGED, Stream, is_compressed, open_stream
from workers.sources.csv_header import read_header
from workers.sources.csv_layout import Layout, layout_of
from workers.sources.csv_places import row_at
from workers.sources.csv_range import blocks, enter
from workers.sources.csv_rows import MAX_ROW_BYTES, Rows, RowSplitter
from workers.sources.read_ahead import read_ahead
from workers.sources.source import Chunk, Rejection, SourceError

BLOCK_BYTES = 1024 * 1024


class CsvFile:
    """Reads a file block by block; memory does not depend on its size or contents.

    `check_time` raises InvalidRecord for times that are not wanted. The rows that begin at offsets
    in `[start, end)` are read, and of a `growing` file no last line without a newline: it is being
    written. Of a compressed file the offsets are those of its plain text.
    """

    def __init__(
        self,
        path: Path,
        check_time: TimeCheck,
        start: int = 0,
        end: int | None = None,
        *,
        growing: bool = False,
    ) -> None:
        self.name = str(path)
        self._path = path
        self._check_time = check_time
        self._start = start
        self._end = end
        self._growing = growing

    @property
    def total_bytes(self) -> int | None:
        """How many bytes `bytes_done` goes up to: those from `start` to `end`, or all of a
        compressed file; None for a pipe, a device or a file that is not there.
        """
        try:
            status = self._path.stat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        size = status.st_size
        if (self._start == 0 and self._end is None) or is_compressed(self._path):
            return size
        return max(0, min(size if self._end is None else self._end, size) - self._start)

    def chunks(self) -> Iterator[Chunk]:
        """Everything in the file. Raises SourceError, after what could be read."""
        try:
            with open_stream(self._path) as stream:
                yield from self._chunks(stream)
        except DAMAGED as error:
            raise SourceError(f"{self.name}: {what_is_wrong(error)}") from error
        except OSError as error:
            raise SourceError(f"{self.name}: cannot be read: {error.strerror}") from error

    def _chunks(self, stream: Stream) -> Iterator[Chunk]:
        start = _read_first_line(stream)
        header, after = read_header(self.name, start)
        found = enter(
            stream, self._path, (len(start) - len(after), after), self._start, header.width
        )
        end = self._last_row(stream, header.width)
        if found is None or (end is not None and found[0].offset >= end):
            yield Chunk(bytes_done=self.total_bytes or 0, resume_at=max(self._start, end or 0))
            return
        place, first = found
        reading = _Reading(
            self.name,
            layout_of(header, TimeReader(self._check_time)),
            RowSplitter(header.width, place.line, place.offset),
        )
        made = self._rows(stream, reading, blocks(stream, place, first, end, BLOCK_BYTES))
        failure: Exception | None = None
        try:
            for rows, bytes_done in read_ahead(made) if self._is_quick(header) else made:
                yield reading.chunk(rows, bytes_done)
        except (*DAMAGED, OSError) as error:
            failure = error
        incomplete = self._growing or failure is not None
        rows = Rows() if incomplete else reading.splitter.feed(b"", last=True)
        yield reading.last_chunk(rows, self._bytes_done(stream, reading))
        if failure:
            raise failure

    def _rows(
        self, stream: Stream, reading: "_Reading", found: Iterator[bytes]
    ) -> Iterator[tuple[Rows, int]]:
        """The rows of each block and the bytes done with them."""
        for block in found:
            for rows in reading.splitter.take(block):
                yield rows, self._bytes_done(stream, reading)

    def _is_quick(self, header: Header) -> bool:
        """Whether reading ahead pays and does no harm.

        A pipe may keep its reader waiting, and nobody could stop a thread that does. Wide rows can
        fill what memory there is by themselves.
        """
        return header.is_long and self.total_bytes is not None

    def _last_row(self, stream: Stream, width: int) -> int | None:
        """Where the rows of the next part begin; None if this is the last one."""
        if self._end is None or stream.is_compressed:
            return self._end
        place = row_at(self._path, self._end, width)
        return place.offset if place else None

    def _bytes_done(self, stream: Stream, reading: "_Reading") -> int:
        if stream.is_compressed:
            return stream.bytes_read
        return min(reading.splitter.fed_to, self._end or reading.splitter.fed_to) - self._start


@dataclass(frozen=True, slots=True)
class _Reading:
    """Rows of one file becoming chunks."""

    name: str
    layout: Layout
    splitter: RowSplitter

    def chunk(self, rows: Rows, bytes_done: int) -> Chunk:
        count = len(rows.lines) if rows.table else sum(map(bool, rows.rows))
        count += len(rows.rejections)
        drafts = self.layout.read(rows)
        rejections = [Rejection(self.name, *rejected) for rejected in sorted(rows.rejections)]
        # Not the splitter's own position: of a block's rows others may be on their way.
        resume_at = self.layout.resume_at(rows.ends_at)
        return Chunk(count, bytes_done, drafts, rejections, resume_at)

    def last_chunk(self, rows: Rows, bytes_done: int) -> Chunk:
        chunk = self.chunk(rows, bytes_done)
        chunk.drafts += self.layout.finish()
        chunk.resume_at = self.splitter.position
        return chunk


def _read_first_line(stream: Stream) -> bytes:
    """At least the first line, or as much as no header is long."""
    start = b""
    while b"\n" not in start and len(start) <= MAX_ROW_BYTES + len(UTF8_BOM):
        if not (block := stream.read(BLOCK_BYTES)):
            break
        start += block
    return start
