"""Disks that are small enough to fill."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

BLOCK_BYTES = 4096


@contextmanager
def small_disk(path: Path, mib: int) -> Iterator[Path]:
    """A file system of `mib` MiB in memory at `path`; needs root."""
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0755", "faults", path], check=True
    )
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=False)


@contextmanager
def moved_to_small_disk(path: Path, mib: int) -> Iterator[None]:
    """What is at `path` and in nobody's hands is on a small disk for as long as this lasts."""
    owner = path.stat()
    with tempfile.TemporaryDirectory() as aside, ExitStack() as disk:
        subprocess.run(["cp", "--archive", f"{path}/.", aside], check=True)
        disk.enter_context(small_disk(path, mib))
        subprocess.run(["cp", "--archive", f"{aside}/.", path], check=True)
        os.chown(path, owner.st_uid, owner.st_gid)
        path.chmod(owner.st_mode)
        yield


def fill(path: Path) -> Path:
    """Take all that is free on the disk of `path`; delete the returned file to give it back."""
    ballast = path / "ballast"
    with ballast.open("wb") as file:
        size = shutil.disk_usage(path).free
        while size >= BLOCK_BYTES:
            try:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
            except OSError:  # somebody else has taken a part of it
                size //= 2
    return ballast
