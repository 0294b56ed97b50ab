"""The compressed formats that files may be in, told by their first bytes."""

from backports import zstd

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# 8 MiB, which RFC 8878 (3.1.1.1.2) recommends decoders to support and encoders not to exceed, as
# `zstd` does up to -19. A frame may ask for much more, up to 2 GiB, of the reader's memory.
MAX_WINDOW_LOG = 23
ZSTD_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}


def is_compressed(start: bytes) -> bool:
    """Whether a file that begins so is one of those that are decompressed."""
    return start.startswith((GZIP_MAGIC, ZSTD_MAGIC))


def what_is_wrong(error: Exception) -> str:
    """What to say of an archive whose reading raised this, and what to do; to follow "the file"."""
    if "too much memory" in str(error):  # the library's error has no code
        return (
            f"is a zstd archive with a window of more than {1 << MAX_WINDOW_LOG - 20} MiB, which"
            f" takes too much memory; compress it again with --long={MAX_WINDOW_LOG}, or without"
            " --long and --ultra"
        )
    return f"is a damaged or incomplete archive: {error}; copy it again"
