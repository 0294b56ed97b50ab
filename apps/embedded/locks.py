"""One owner per directory, for as long as its process lives."""

import fcntl
import os
from pathlib import Path
from types import TracebackType


class LockHeld(Exception):
    """Another process uses the directory; `pid` is its number, 0 if unknown."""

    def __init__(self, directory: Path, pid: int) -> None:
        super().__init__(f"{directory} is in use by process {pid}; stop that one first")
        self.pid = pid


class DirectoryLock:
    """An advisory lock on `directory/lock`; the kernel drops it when the holder dies.

    `create=False` takes only a lock file that exists and raises FileNotFoundError otherwise.
    """

    def __init__(self, directory: Path, create: bool = True) -> None:
        self.path = directory / "lock"
        self._flags = os.O_RDWR | (os.O_CREAT if create else 0)
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take it or raise LockHeld at once."""
        descriptor = os.open(self.path, self._flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.read(descriptor, 20).decode(errors="replace").strip()
            os.close(descriptor)
            raise LockHeld(self.path.parent, int(text) if text.isdigit() else 0) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it up; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "DirectoryLock":
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
