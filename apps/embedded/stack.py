"""PostgreSQL and etcd together, private to one directory or to one run."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from apps.embedded.etcd import Etcd, EtcdOptions
from apps.embedded.locks import DirectoryLock, LockHeld
from apps.embedded.memory import Memory
from apps.embedded.postgres import Postgres
from apps.embedded.processes import Child, StartFailed

STOP_S = 20.0
# Eight times etcd's default: a streamer and a collector move 40,000 records/s instead of 32,000.
MAX_TXN_OPS = 1024


class Server(Protocol):
    """What etcd and PostgreSQL have in common."""

    @property
    def child(self) -> Child:
        """The present process."""
        ...

    def restart(self) -> None:
        """Start it again after it died; returns when it serves. Raises StartFailed."""
        ...


class StackInUse(StartFailed):
    """Another process runs the servers of this directory."""


class Stack:
    """Starts both servers on free ports of loopback; a context manager.

    With a `directory`, data, ports and passwords are kept there from one start to the next, and
    only one process at a time may use it. Without one, everything is temporary and deleted.
    A server that is given by its address is used as it is, and not started.
    """

    def __init__(
        self,
        directory: Path | None = None,
        max_txn_ops: int = MAX_TXN_OPS,
        database_url: str = "",
        etcd_endpoints: Sequence[str] = (),
    ) -> None:
        self._max_txn_ops = max_txn_ops
        self._given_database_url = database_url
        self._given_etcd_endpoints = list(etcd_endpoints)
        self._temporary = directory is None
        self.directory = (directory or Path(tempfile.mkdtemp(prefix="gpu-telemetry-"))).resolve()
        logs = self.directory / "log"
        self._lock = DirectoryLock(self.directory)
        self.etcd = Etcd(
            self.directory / "etcd", logs / "etcd.log", EtcdOptions(max_txn_ops=max_txn_ops)
        )
        self.postgres = Postgres(self.directory, logs / "postgresql.log", self._temporary)
        self._secret_key = ""  # nosec B105 - there is none yet

    def start(self) -> None:
        """Start both; returns when both serve. Raises StackInUse or StartFailed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
            self._remember_secret_key()
            if not self._given_etcd_endpoints:
                self.etcd.launch()
            if not self._given_database_url:
                self.postgres.start()
            if not self._given_etcd_endpoints:
                self.etcd.wait_ready()
        except LockHeld as error:
            self.stop()
            raise StackInUse(str(error)) from error
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_s: float = STOP_S) -> None:
        """Stop etcd, then PostgreSQL, all within `timeout_s`, and delete what is temporary."""
        deadline = time.monotonic() + timeout_s
        self.etcd.stop(timeout_s)
        self.postgres.stop(max(0.0, deadline - time.monotonic()))
        self._lock.release()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def started_servers(self) -> list[Server]:
        """The servers that this stack started, for whoever watches over them."""
        servers: list[Server] = []
        if not self._given_etcd_endpoints:
            servers.append(self.etcd)
        if not self._given_database_url:
            servers.append(self.postgres)
        return servers

    @property
    def database_url(self) -> str:
        """postgres://user:password@127.0.0.1:port/telemetry."""
        return self._given_database_url or self.postgres.url

    @property
    def etcd_endpoints(self) -> list[str]:
        """host:port of each member."""
        return self._given_etcd_endpoints or [self.etcd.endpoint]

    def settings(self) -> dict[str, str]:
        """The settings that make the project use these servers."""
        # What a server that was given allows is not known here.
        own = {} if self._given_etcd_endpoints else {"ETCD_MAX_TXN_OPS": str(self._max_txn_ops)}
        return own | {
            "DATABASE_URL": self.database_url,
            "ETCD_ENDPOINTS": ",".join(self.etcd_endpoints),
            "SECRET_KEY": self._secret_key,
            "PUBLIC_READ": "true",
            # Loopback speaks plain HTTP, over which secure cookies would let nobody sign in.
            "HTTPS": "false",
        }

    def environment(self) -> dict[str, str]:
        """The environment for a child process: ours, the settings, and VAR_DIR."""
        return {**os.environ, **self.settings(), "VAR_DIR": str(self.directory)}

    def _remember_secret_key(self) -> None:
        memory = Memory(self.directory / "memory.json")
        if not memory.get("secret_key"):
            memory.set(secret_key=secrets.token_urlsafe(48))
        self._secret_key = memory.get("secret_key")

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
