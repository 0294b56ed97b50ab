"""A primary and its streaming replica, both of the embedded PostgreSQL's programs."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from apps.embedded.ports import free_port
from apps.embedded.postgres import SETTINGS, STOP_SIGNAL, Postgres
from apps.embedded.postgres_home import PostgresHome
from apps.embedded.processes import Child

STOP_S = 10
# The superuser comes in, to copy the primary and to hold the replica back.
ACCESS = "host all,replication postgres 127.0.0.1/32 trust\n"
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


@dataclass
class Replicated:
    """The addresses of both, and the replica's process."""

    primary: str
    replica: str
    server: Child

    def hold_back(self, how: str) -> None:
        """`pause` or `resume` what the replica does with what it receives."""
        superuser = self.replica.replace(self.replica.split("//")[1].split("@")[0], "postgres")
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(f"SELECT pg_wal_replay_{how}()")

    def kill(self) -> None:
        """End the replica as a power cut would."""
        self.server.kill()

    def send(self, number: signal.Signals) -> None:
        """A signal to each of its processes, which PostgreSQL puts into sessions of their own."""
        children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text()
        for pid in (self.server.pid, *map(int, children.split())):
            with suppress(ProcessLookupError):  # one that has just ended
                os.kill(pid, number)


@contextmanager
def replicated(folder: Path) -> Iterator[Replicated]:
    """A primary without tables, and a replica that streams from it."""
    primary = Postgres(folder, folder / "primary.log", temporary=True)
    primary.start()
    replica = None
    try:
        home = primary._started_home()
        with (home.data / "pg_hba.conf").open("a") as access:
            access.write(ACCESS)
        os.kill(primary.child.pid, signal.SIGHUP)
        port = free_port()
        replica = _copied(home, primary.url, port, folder / "replica.log")
        replica.start()
        credentials, _, rest = primary.url.partition("@127.0.0.1:")
        database = rest.partition("/")[2]
        yield Replicated(primary.url, f"{credentials}@127.0.0.1:{port}/{database}", replica)
    finally:
        if replica:
            replica.kill()
        primary.stop(STOP_S)


def _copied(home: PostgresHome, primary: str, port: int, log: Path) -> Child:
    """The replica's server, of a base backup beside the primary's data."""
    data = home.path / "replica"
    data.mkdir(mode=0o700)
    if home.account:
        home.account.own(data)
    address = f"host=127.0.0.1 port={primary.rpartition(':')[2].partition('/')[0]} user=postgres"
    subprocess.run(
        [home.programs / "pg_basebackup", "-D", data, "-d", address, "--write-recovery-conf",
         "--wal-method=stream", "--checkpoint=fast", "--no-sync"],
        env=ENVIRONMENT, cwd=home.path, check=True, timeout=60, capture_output=True,
        **(home.account.popen_arguments() if home.account else {}),
    )  # fmt: skip
    options = [f"-c{name}={value}" for name, value in (SETTINGS | {"port": str(port)}).items()]
    return Child(
        name="replica", argv=[str(home.programs / "postgres"), "-D", str(data), *options],
        log=log, env=ENVIRONMENT, cwd=home.path, account=home.account, stop_signal=STOP_SIGNAL,
    )  # fmt: skip
