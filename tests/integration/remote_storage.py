"""A storage without local paths, as an object store is."""

from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage


class RemoteStorage(Storage):
    """Keeps its files in MEDIA_ROOT and tells nobody."""

    def __init__(self) -> None:
        self._hidden = FileSystemStorage()

    def _open(self, name: str, mode: str) -> "File[Any]":
        return self._hidden.open(name, mode)

    def _save(self, name: str, content: "File[Any]") -> str:
        return self._hidden.save(name, content)

    def delete(self, name: str) -> None:
        """Delete a file."""
        self._hidden.delete(name)

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return self._hidden.exists(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Folders and files."""
        return self._hidden.listdir(path)

    def get_modified_time(self, name: str) -> datetime:
        """When a file changed."""
        return self._hidden.get_modified_time(name)
