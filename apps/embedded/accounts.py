"""The account that runs a server which refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Account:
    """A system account's name and numbers."""

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """What `subprocess.Popen` needs to run a program as this account and nothing more."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give it a file or folder of ours."""
        os.chown(path, self.uid, self.gid)


def is_root() -> bool:
    """Whether this process may, and for PostgreSQL must, start programs as another account."""
    return os.geteuid() == 0


def unprivileged_account() -> Account:
    """`postgres` where a package made it, else `nobody`. Accounts are never created."""
    for name in ("postgres", "nobody"):
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    return Account("65534", 65534, 65534)


def owner_of(path: Path) -> Account:
    """The account that owns `path`."""
    status = path.stat()
    try:
        return _account(pwd.getpwuid(status.st_uid))
    except KeyError:
        return Account(str(status.st_uid), status.st_uid, status.st_gid)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
