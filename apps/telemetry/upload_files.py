"""The files of uploads in Django's storage: written while they arrive, opened to be streamed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from shutil import copyfileobj
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

FOLDER = "uploads"


class StorageFailed(Exception):
    """The storage does not take or give a file; says why."""


class IncomingFile:
    """A file on its way into the storage; names are made here, never taken from a request.

    Until `keep` it is called `….part`, so that what a killed gateway left behind can be told.
    `is_wanted` says whether there is an upload of it. Raises StorageFailed.
    """

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.is_wanted = False
        self.id = uuid4()
        self.size_bytes = 0
        self._hash = sha256()
        self._name = f"{FOLDER}/{self.id}.part"
        with _failing(self._name):
            self._name = default_storage.save(self._name, ContentFile(b""))  # makes the folder
            self._file = default_storage.open(self._name, "wb")

    @property
    def sha256(self) -> str:
        """Of what has been written, in hexadecimal."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append. Raises StorageFailed."""
        with _failing(self._name):
            self._file.write(data)
        self._hash.update(data)
        self.size_bytes += len(data)

    def keep(self) -> str:
        """The name of the complete file in the storage, on disk for good. Raises StorageFailed."""
        with _failing(self._name):
            path = _local_path(self._name)
            if path is None:  # such a storage shows a file only when it is complete
                self._file.close()
                return self._name
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            path.rename(path.with_suffix(".csv"))
            self._name = f"{FOLDER}/{self.id}.csv"
            return self._name

    def discard(self) -> None:
        """Remove it, as far as that can be done."""
        with suppress(OSError):
            self._file.close()
        remove(self._name)


def remove(name: str) -> None:
    """Delete a file that nobody needs any more; one that cannot be deleted stays."""
    with suppress(OSError):
        default_storage.delete(name)


def stored_files() -> list[tuple[str, datetime]]:
    """Every file of uploads in the storage, and when it changed. Raises StorageFailed."""
    with _failing(FOLDER):
        try:
            _, names = default_storage.listdir(FOLDER)
        except FileNotFoundError:  # nothing was ever uploaded
            return []
        paths = [f"{FOLDER}/{name}" for name in names]
        return [(path, default_storage.get_modified_time(path)) for path in paths]


@contextmanager
def local_file(name: str) -> Iterator[Path]:
    """A path to read the file at; a storage elsewhere is copied first. Raises StorageFailed."""
    path = _local_path(name)
    if path is not None:
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="upload-") as copy:
        with _failing(name), default_storage.open(name, "rb") as file:
            copyfileobj(file, copy)
            copy.flush()
        yield Path(copy.name)


def _local_path(name: str) -> Path | None:
    try:
        return Path(default_storage.path(name))
    except NotImplementedError:
        return None


@contextmanager
def _failing(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageFailed(f"{name} in the storage of uploads (MEDIA_ROOT): {reason}") from error
