"""Dividing a file into parts that streamers can share, and naming them. Pure but for one read."""

from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from pathlib import Path

from apps.telemetry.compression import is_compressed

PART_BYTES = 32 << 20
# The beginning of a file that tells it from another one that comes under the same name later.
START_BYTES = 64 * 1024


@dataclass(frozen=True)
class Part:
    """The rows of a file that begin in `[start, end)`; without an end, all from `start` on.

    `name` is the same for every process that looks at the file. One that is compressed cannot be
    divided, and does not grow.
    """

    name: str
    path: Path
    start: int = 0
    end: int | None = None
    compressed: bool = False

    def limit(self, size: int) -> int:
        """Up to where it is to be read of a file of `size` bytes."""
        return size if self.end is None else min(size, self.end)


def parts_of(path: Path, identity: "Identity", size: int, part_bytes: int | None) -> list[Part]:
    """The parts of `part_bytes` each, or the whole file as one."""
    if part_bytes is None or identity.compressed:
        return [Part(f"{identity.name}#0", path, compressed=identity.compressed)]
    return [
        Part(f"{identity.name}#{index}", path, index * part_bytes, (index + 1) * part_bytes)
        for index in range(max(1, ceil(size / part_bytes)))
    ]


@dataclass(frozen=True)
class Identity:
    """What tells a file from others."""

    name: str
    compressed: bool = False


def identify(path: Path) -> Identity | None:
    """The file by its path and first row; None while it has none. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    if is_compressed(start):
        return Identity(_name(path, start), compressed=True)
    header, newline, rest = start.partition(b"\n")
    row, end, _ = rest.partition(b"\n")
    if not newline or not (end or len(start) == START_BYTES):
        return None
    return Identity(_name(path, header + b"\n" + row))


def _name(path: Path, start: bytes) -> str:
    digest = blake2b(str(path.resolve()).encode() + b"\n" + start, digest_size=6)
    return f"{path.name}.{digest.hexdigest()}"
