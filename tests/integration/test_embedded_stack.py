"""The embedded servers: real ones, started, killed, started again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from apps.embedded.etcd import is_healthy
from apps.embedded.processes import Child, StartFailed, wait_until
from apps.embedded.stack import Stack, StackInUse

pytestmark = pytest.mark.usefixtures("etcd_endpoints")  # skipped where servers cannot start
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A folder whose stack is kept between starts, and gone after the test."""
    yield tmp_path
    # As root the data is not here but behind this link.
    shutil.rmtree((tmp_path / "postgresql").resolve())


def rows(stack: Stack) -> list[tuple[int]]:
    with psycopg.connect(stack.database_url) as connection:
        return connection.execute("SELECT number FROM kept ORDER BY number").fetchall()


def insert(stack: Stack, number: int) -> None:
    with psycopg.connect(stack.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def test_a_temporary_stack_serves_and_leaves_nothing(stack: Stack) -> None:
    insert(stack, 1)
    assert rows(stack) == [(1,)]
    assert is_healthy(stack.etcd_endpoints[0])
    data = (stack.directory / "postgresql").resolve()
    stack.stop()
    assert not data.exists()
    assert not stack.directory.exists()


def test_data_and_ports_and_passwords_persist_in_a_directory(directory: Path) -> None:
    with Stack(directory) as stack:
        insert(stack, 1)
        before = stack.settings()
    with Stack(directory) as stack:
        assert stack.settings() == before
        assert rows(stack) == [(1,)]


def test_killed_servers_start_again_with_every_committed_row(directory: Path) -> None:
    stack = Stack(directory)
    stack.start()
    insert(stack, 1)
    stack.postgres.child.kill()
    stack.etcd.child.kill()
    stack.stop()
    with Stack(directory) as again:
        assert rows(again) == [(1,)]
        assert is_healthy(again.etcd_endpoints[0])


def test_a_killed_servers_session_that_still_computes_only_delays_the_next_start(
    stack: Stack,
) -> None:
    insert(stack, 1)
    with ThreadPoolExecutor() as pool:
        session = pool.submit(_compute, stack.database_url)
        assert wait_until(lambda: _computes(stack.database_url), 10)
        stack.postgres.child.kill()
        stack.postgres.restart()
        assert isinstance(session.exception(), psycopg.OperationalError)
    assert rows(stack) == [(1,)]
    assert "pre-existing shared memory block" in stack.postgres.child.log.read_text()


def test_a_stale_pid_file_naming_a_living_stranger_does_not_stop_a_start(directory: Path) -> None:
    with Stack(directory) as stack:
        insert(stack, 1)
        pid_file = stack.postgres.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        stack.postgres.child.kill()
        stranger = Child("stranger", ["sleep", "60"], directory / "stranger.log")
        stranger.account = stack.postgres.child.account
        stranger.start()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    with Stack(directory) as again:
        assert rows(again) == [(1,)]
    assert stranger.running
    stranger.kill()


def test_a_second_stack_on_the_same_directory_is_refused(directory: Path) -> None:
    running = f"process {os.getpid()}"
    with Stack(directory), pytest.raises(StackInUse, match=running):
        Stack(directory).start()


def test_a_taken_port_is_replaced_by_another(directory: Path) -> None:
    with Stack(directory) as stack:
        insert(stack, 1)
        endpoint = stack.etcd_endpoints[0]
    host, port = endpoint.split(":")
    taker = subprocess.Popen(
        [sys.executable, "-m", "http.server", port, "--bind", host], stderr=subprocess.DEVNULL
    )
    try:
        assert wait_until(lambda: _listening(host, int(port)), 10)
        with Stack(directory) as stack:
            assert stack.etcd_endpoints[0] != endpoint
            assert is_healthy(stack.etcd_endpoints[0])
    finally:
        taker.kill()
        taker.wait()


def test_servers_end_when_their_parent_is_killed_and_the_next_one_takes_over(
    directory: Path,
) -> None:
    program = (
        "import sys, time, pathlib\n"
        "from apps.embedded.stack import Stack\n"
        "stack = Stack(pathlib.Path(sys.argv[1])); stack.start()\n"
        "print(stack.postgres.child.pid, stack.etcd.child.pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(directory)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    with Stack(directory) as stack:
        assert is_healthy(stack.etcd_endpoints[0])
        insert(stack, 1)
        assert not any(_command_line(pid) for pid in pids)


def test_the_superuser_cannot_sign_in_over_the_network(stack: Stack) -> None:
    url = stack.database_url.replace("telemetry:", "postgres:", 1)
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg.connect(url)


def test_a_failed_start_shows_the_end_of_the_log(directory: Path) -> None:
    with Stack(directory) as stack:
        data = stack.postgres.data
    (data / "PG_VERSION").write_text("9.0\n")
    with pytest.raises(StartFailed, match="incompatible"):
        Stack(directory).start()


def _compute(url: str) -> None:
    """Looks at nothing else for a second or two, and then notices that the server died."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT sum(n) AS computed FROM generate_series(1, 10000000) n; SELECT pg_sleep(60)"
        )


def _computes(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
            " AND query LIKE '%computed%'"
        )
        return found.fetchone() is not None


def _listening(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _command_line(pid: int) -> bytes:
    """Empty for a process that has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
