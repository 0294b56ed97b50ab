"""The beginning of an arriving CSV file: refused as early as it shows that nothing can be read."""

import zlib
from collections.abc import Callable

from backports import zstd

from apps.telemetry.compression import GZIP_MAGIC, ZSTD_MAGIC, ZSTD_OPTIONS, what_is_wrong
from apps.telemetry.csv_header import MAX_HEADER_BYTES, HeaderError, parse_header, split_start

# So much of the file is kept until the header is known: compressed it is shorter than plain.
KEPT_BYTES = 2 * MAX_HEADER_BYTES


class StartCheck:
    """Takes a file's bytes as they arrive and checks the header as soon as it is there."""

    def __init__(self) -> None:
        self._start = b""
        self._done = False

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises HeaderError."""
        if self._done:
            return
        self._start += data[: KEPT_BYTES - len(self._start)]
        text = _decompressed(self._start)
        if b"\n" in text or len(text) > MAX_HEADER_BYTES or len(self._start) >= KEPT_BYTES:
            self._check(text)

    def finish(self) -> None:
        """There are no more bytes. Raises HeaderError."""
        if not self._done:
            self._check(_decompressed(self._start))

    def _check(self, text: bytes) -> None:
        line, _ = split_start(text)
        parse_header(line)
        self._done, self._start = True, b""


def _decompressed(start: bytes) -> bytes:
    """The plain beginning, a little more than a header may have: a bomb goes no further."""
    wanted = MAX_HEADER_BYTES + 1024
    if start.startswith(GZIP_MAGIC):
        return _inflated(lambda: zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(start, wanted))
    if start.startswith(ZSTD_MAGIC):
        reader = zstd.ZstdDecompressor(options=ZSTD_OPTIONS)
        return _inflated(lambda: reader.decompress(start, wanted))
    return start


def _inflated(read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except (zlib.error, zstd.ZstdError) as error:
        raise HeaderError(what_is_wrong(error)) from error
