"""Writes sorted rows as Parquet files into a storage, and reads them back, in bounded memory."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import chain, islice
from tempfile import gettempdir
from typing import Any

import pyarrow as pa
from django.core.files.base import File
from django.core.files.storage import Storage
from pyarrow import parquet

from apps.telemetry.archive.failures import ArchiveFailed
from apps.telemetry.archive.milliwatts import unpacked
from apps.telemetry.archive.names import is_part, part_of
from apps.telemetry.archive.part_file import PartFile
from apps.telemetry.archive.schema import PART_ROWS, ROW_GROUP_ROWS


@dataclass(frozen=True, slots=True)
class Part:
    """One file; `first` and `last` are the UUIDs that its rows begin and end with."""

    name: str
    rows: int
    bytes: int
    first: str
    last: str

    def as_json(self) -> dict[str, Any]:
        """The entry of ArchivedDay.files."""
        return asdict(self)


def write_parts(storage: Storage, folder: str, tables: Iterable[pa.Table]) -> Iterator[Part]:
    """Write the rows into files of PART_ROWS, each yielded once it is in the storage.

    A file grows on this machine's disk first: most storages take only what is complete.
    """
    groups = _groups(tables)
    for number, group in enumerate(groups):  # the rest of a part's groups is taken by _write
        yield _write(storage, part_of(folder, number), group, groups)


def _write(storage: Storage, name: str, first: pa.Table, groups: Iterator[pa.Table]) -> Part:
    with _growing(), closing(PartFile()) as part:
        last = first
        for last in chain([first], islice(groups, PART_ROWS // ROW_GROUP_ROWS - 1)):
            part.write(last)
        size = part.finish()
        with _writing(name):
            saved = storage.save(name, File(part.file))
    if saved != name:
        storage.delete(saved)
        raise ArchiveFailed(
            f"the archive has a file {name} already that could not be removed; look at the rights"
            " of ARCHIVE_DIR, or at those of its bucket"
        )
    return Part(name, part.rows, size, first["uuid"][0].as_py(), last["uuid"][-1].as_py())


def read_parts(storage: Storage, names: Iterable[str]) -> Iterator[pa.Table]:
    """The rows of files as they are in the storage, one row group after another."""
    for name in names:
        with opened(storage, name) as file:
            for number in range(file.num_row_groups):
                yield unpacked(file.read_row_group(number, use_threads=False))


def opened(storage: Storage, name: str) -> Any:
    """A file of the archive as pyarrow reads it. Raises ArchiveFailed."""
    try:
        return parquet.ParquetFile(storage.open(name, "rb"))
    except Exception as error:  # what a storage raises is its library's
        raise unreadable(name, error) from error


@contextmanager
def _growing() -> Iterator[None]:
    """What goes wrong on this machine's disk becomes ArchiveFailed."""
    try:
        yield
    except OSError as error:
        raise ArchiveFailed(
            f"no file could be made in {gettempdir()}: {error}. Make room for some tens of MB, or"
            " name another folder in TMPDIR"
        ) from error


@contextmanager
def _writing(name: str) -> Iterator[None]:
    """Whatever the storage raises becomes ArchiveFailed."""
    try:
        yield
    except Exception as error:
        raise ArchiveFailed(
            f"{name} cannot be written to the archive: {error}. See that ARCHIVE_DIR, or what"
            " ARCHIVE_STORAGE names, is there, has room, and may be written by this account"
        ) from error


def unreadable(name: str, error: Exception) -> ArchiveFailed:
    """What to say of a file that is not there or is damaged."""
    return ArchiveFailed(
        f"{name} cannot be read from the archive: {error}. Bring the file back from a backup of the"
        " archive, and let every process see the same one (ARCHIVE_DIR, or ARCHIVE_STORAGE)"
    )


def remove_parts(storage: Storage, folder: str) -> None:
    """Delete what an earlier or an interrupted run left in a folder. Raises ArchiveFailed."""
    with _writing(folder), suppress(FileNotFoundError):
        _, names = storage.listdir(folder)
        for name in filter(is_part, names):
            storage.delete(f"{folder}/{name}")


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of ROW_GROUP_ROWS, the last one smaller."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        while rows >= ROW_GROUP_ROWS:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, ROW_GROUP_ROWS)
            waiting, rows = [whole.slice(ROW_GROUP_ROWS)], rows - ROW_GROUP_ROWS
    if rows:
        yield pa.concat_tables(waiting)
