"""`manage.py runlocal` as a person uses it: start, look, kill a part, Ctrl-C, start again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.embedded.ports import free_port
from apps.embedded.processes import wait_until

pytestmark = pytest.mark.usefixtures("etcd_endpoints")  # skipped where servers cannot start
REPOSITORY = Path(__file__).resolve().parents[2]
FROM_THE_TEST_RUN = ("DATABASE_URL", "ETCD_ENDPOINTS", "SECRET_KEY", "PUBLIC_READ")
START_S = 90
GPUS = 128
PROCESSES = 6  # two servers, four programs


class Run:
    """One `runlocal` in its own session; what it prints goes to a file."""

    def __init__(self, var_dir: Path, port: int) -> None:
        self.port = port
        self._output = var_dir.parent / f"output-{port}.txt"
        environment = {k: v for k, v in os.environ.items() if k not in FROM_THE_TEST_RUN}
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "runlocal", "--port", str(port)],
                cwd=REPOSITORY,
                env={**environment, "VAR_DIR": str(var_dir)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def says(self, text: str) -> bool:
        """Whether it prints `text` before it ends or too much time passes."""
        wait_until(lambda: text in self.output or self.process.poll() is not None, START_S)
        return text in self.output

    def children(self, of: int | None = None) -> dict[int, str]:
        """Its child processes, or those of another, and their command lines."""
        pid = of or self.process.pid
        pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {int(child): command_line(int(child)) for child in pids}

    def workers(self) -> dict[int, str]:
        """The processes of the supervisor among its children."""
        return self.children(pid_of(self.children(), "runpipeline"))

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return json.load(answer)

    def shows_the_fleet(self) -> bool:
        """Whether every simulated GPU gets registered."""
        return wait_until(lambda: self.get("/api/v1/gpus")["count"] == GPUS, START_S)

    def ends(self, *signals: signal.Signals) -> int:
        """Send signals; its exit code."""
        for number in signals:
            self.process.send_signal(number)
            self.says("Stopping")
        return self.process.wait(START_S)


@pytest.fixture
def var_dir(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "var"
    path.mkdir()
    yield path
    shutil.rmtree((path / "postgresql").resolve(), ignore_errors=True)


@pytest.fixture
def run(var_dir: Path) -> Iterator[Run]:
    run = Run(var_dir, free_port())
    yield run
    if run.process.poll() is None:
        run.process.kill()
        run.process.wait()


def test_it_shows_the_fleet_survives_a_death_and_continues_after_ctrl_c(
    run: Run, var_dir: Path
) -> None:
    assert run.says("The pipeline runs"), run.output
    assert "user admin, password" in run.output
    assert run.shows_the_fleet(), run.output

    assert run.get("/api/v1/pipeline")["instances"]["supervisors"]

    collector = pid_of(run.workers(), "runcollector")
    os.kill(collector, signal.SIGKILL)
    assert run.says("[collector-1] was ended by SIGKILL"), run.output
    assert run.says("[collector-1] runs again"), run.output
    server = pid_of(run.children(), "/postgres ")
    os.kill(server, signal.SIGKILL)
    assert run.says("[PostgreSQL] runs again"), run.output
    assert run.shows_the_fleet(), run.output

    assert wait_until(lambda: len(run.children()) == PROCESSES, START_S), run.output
    children = [*run.children(), *run.workers()]
    assert run.ends(signal.SIGINT) == 0, run.output
    assert "was killed" not in run.output
    assert not any(command_line(pid) for pid in children)

    again = Run(var_dir, free_port())
    assert again.says("The pipeline runs"), again.output
    assert "password" not in again.output
    assert again.get("/api/v1/gpus")["count"] == GPUS
    assert again.ends(signal.SIGTERM) == 0, again.output


def test_a_second_ctrl_c_kills_at_once(run: Run) -> None:
    assert run.says("The pipeline runs"), run.output
    children = [*run.children(), *run.workers()]
    # So that an orderly stop takes its time.
    os.kill(pid_of(run.children(), "rungateway"), signal.SIGSTOP)
    assert run.ends(signal.SIGINT, signal.SIGINT) != 0
    assert wait_until(lambda: not any(command_line(pid) for pid in children), START_S)


def test_a_second_run_on_the_same_data_is_refused(run: Run, var_dir: Path) -> None:
    assert run.says("Preparing"), run.output
    second = Run(var_dir, free_port())
    assert second.process.wait(START_S) == 1
    assert f"is in use by process {run.process.pid}" in second.output
    run.ends(signal.SIGINT)


def test_a_taken_port_is_named_with_a_free_one(var_dir: Path) -> None:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        run = Run(var_dir, taker.getsockname()[1])
        assert run.process.wait(START_S) == 1
    assert f"port {run.port} is in use" in run.output
    assert "make run PORT=" in run.output


def pid_of(processes: dict[int, str], part: str) -> int:
    return next(pid for pid, line in processes.items() if part in line)


def command_line(pid: int) -> str:
    """Empty for a process that has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except FileNotFoundError:
        return ""
