"""Files as streams of plain bytes, decompressed if they are gzip or Zstandard by their content."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backports import zstd

from apps.telemetry import compression
from apps.telemetry.compression import GZIP_MAGIC, ZSTD_MAGIC, ZSTD_OPTIONS

BUFFER_BYTES = 256 * 1024
# EOFError: the archive ends too early.
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)


class _Counted(io.FileIO):
    """A file that knows how much was read of it, a pipe too."""

    bytes_read = 0

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        count = super().readinto(buffer)
        self.bytes_read += count or 0
        return count


class Stream:
    """Plain bytes of a file. Reading raises OSError, and one of DAMAGED for a bad archive."""

    def __init__(self, path: Path) -> None:
        self._raw = _Counted(path)
        file = io.BufferedReader(self._raw, BUFFER_BYTES)
        start = file.peek(4)
        self._file: io.BufferedIOBase = file
        self._failure: Exception | None = None
        self.is_compressed = True
        if start.startswith(GZIP_MAGIC):
            self._file = gzip.GzipFile(fileobj=file)
        elif start.startswith(ZSTD_MAGIC):
            self._file = zstd.ZstdFile(file, options=ZSTD_OPTIONS)
        else:
            self.is_compressed = False

    @property
    def bytes_read(self) -> int:
        """How much was read of the file as it lies on the disk."""
        return self._raw.bytes_read

    def read(self, size: int) -> bytes:
        """The next bytes, up to `size` of them; nothing at the end.

        What could be read of a damaged archive comes before its error.
        """
        if self._failure:
            raise self._failure
        parts: list[bytes] = []
        try:
            while size > 0 and (part := self._file.read1(size)):
                parts.append(part)
                size -= len(part)
        except DAMAGED as error:
            if not parts:
                raise
            self._failure = error
        return b"".join(parts)

    def seek(self, offset: int) -> None:
        """Go to an offset of a file that is not compressed."""
        self._file.seek(offset)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()


@contextmanager
def open_stream(path: Path) -> Iterator[Stream]:
    """The stream of a file, closed at the end. Raises OSError."""
    stream = Stream(path)
    try:
        yield stream
    finally:
        stream.close()


def is_compressed(path: Path) -> bool:
    """Whether a file is one of those that are decompressed. Raises OSError."""
    with path.open("rb") as file:
        return compression.is_compressed(file.read(len(ZSTD_MAGIC)))
