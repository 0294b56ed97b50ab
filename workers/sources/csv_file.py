"""A CSV file as a source, in either layout."""

import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from apps.telemetry.csv_header import Header
from workers.sources.cells import TimeCheck, TimeReader
from workers.sources.csv_dcgm import DcgmRows
from workers.sources.csv_header import read_header
from workers.sources.csv_rows import MAX_ROW_BYTES, Rows, RowSplitter
from workers.sources.csv_wide import WideRows
from workers.sources.draft import draft_of
from workers.sources.source import Chunk, Rejection, SourceError

BLOCK_BYTES = 256 * 1024
UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class CsvFile:
    """Reads a file block by block; memory does not depend on its size or contents.

    `check_time` raises InvalidRecord for times that are not wanted.
    """

    def __init__(self, path: Path, check_time: TimeCheck) -> None:
        self.name = str(path)
        self._path = path
        self._check_time = check_time

    @property
    def total_bytes(self) -> int | None:
        """The file's size; None for a pipe, a device or a file that is not there."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def chunks(self) -> Iterator[Chunk]:
        """Everything in the file. Raises SourceError."""
        try:
            with FileIO(self._path) as file:
                yield from self._chunks(file)
        except OSError as error:
            raise SourceError(f"{self.name}: cannot be read: {error.strerror}") from error

    def _chunks(self, file: FileIO) -> Iterator[Chunk]:
        start = _read_first_line(file)
        first, block = self._split_start(start)
        header = read_header(self.name, first)
        reader = _reader(header, TimeReader(self._check_time))
        splitter = RowSplitter(header.width, first_line=2)
        bytes_done = len(start)
        if block:
            yield self._chunk(reader, splitter.feed(block, last=False), bytes_done)
        while block := file.read(BLOCK_BYTES):
            bytes_done += len(block)
            yield self._chunk(reader, splitter.feed(block, last=False), bytes_done)
        final = self._chunk(reader, splitter.feed(b"", last=True), bytes_done)
        final.drafts += map(draft_of, reader.finish())
        yield final

    def _chunk(self, reader: WideRows | DcgmRows, rows: Rows, bytes_done: int) -> Chunk:
        rejected = rows.rejections
        count = sum(map(bool, rows.rows)) + len(rejected)
        drafts = [draft_of(record) for record in reader.read(rows.rows, rows.lines, rejected)]
        rejections = [Rejection(self.name, line, reason) for line, reason in sorted(rejected)]
        return Chunk(count, bytes_done, drafts, rejections)

    def _split_start(self, start: bytes) -> tuple[str, bytes]:
        """The first line as text and what follows it. Raises SourceError."""
        if not start:
            raise SourceError(f"{self.name}: is empty")
        if start.startswith(UTF16_BOMS):
            raise SourceError(f"{self.name}: is UTF-16 text; save it as UTF-8")
        line, _, rest = start.removeprefix(UTF8_BOM).partition(b"\n")
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text or len(line) > MAX_ROW_BYTES:
            raise SourceError(f"{self.name}: is not a CSV file but binary data")
        return text, rest


def _read_first_line(file: FileIO) -> bytes:
    """At least the first line, or as much as no header is long."""
    start = b""
    while b"\n" not in start and len(start) <= MAX_ROW_BYTES + len(UTF8_BOM):
        if not (block := file.read(BLOCK_BYTES)):
            break
        start += block
    return start


def _reader(header: Header, read_time: TimeReader) -> WideRows | DcgmRows:
    return DcgmRows(header, read_time) if header.is_long else WideRows(header, read_time)
