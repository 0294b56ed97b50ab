"""The compressed formats that files may be in, told by their first bytes."""

from backports import zstd

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MAX_WINDOW_LOG = 26  # 64 MiB: a frame may ask for 2 GiB of memory
ZSTD_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}


def is_compressed(start: bytes) -> bool:
    """Whether a file that begins so is one of those that are decompressed."""
    return start.startswith((GZIP_MAGIC, ZSTD_MAGIC))
