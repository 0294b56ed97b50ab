"""Files as streams of plain bytes, decompressed if they are gzip or Zstandard by their content."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backports import zstd

BUFFER_BYTES = 256 * 1024
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MAX_WINDOW_LOG = 26  # 64 MiB: a frame may ask for 2 GiB of memory

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
            window: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}
            self._file = zstd.ZstdFile(file, options=window)
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
        return file.read(len(ZSTD_MAGIC)).startswith((GZIP_MAGIC, ZSTD_MAGIC))
