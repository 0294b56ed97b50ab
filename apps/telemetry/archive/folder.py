"""The archive in a folder, where a file that is saved survives a power cut."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class ArchiveFolder(FileSystemStorage):
    """Files under ARCHIVE_DIR; `save` returns once they are on the disk, with their folders."""

    def __init__(self, location: str | None = None) -> None:
        super().__init__(location=location or settings.ARCHIVE_DIR)

    def _save(self, name: str, content: "File[Any]") -> str:
        saved: str = super()._save(name, content)  # type: ignore[misc]  # not in the stubs
        path = Path(self.path(saved))
        root = Path(self.location)
        for part in (
            path,
            *(parent for parent in path.parents if root in (parent, *parent.parents)),
        ):
            _sync(part)
        return saved


def _sync(path: Path) -> None:
    """The file's bytes, or the folder's names, reach the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
