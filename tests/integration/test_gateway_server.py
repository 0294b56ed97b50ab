"""`manage.py rungateway` as a process: how it starts, serves, refuses and stops."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from apps.embedded.ports import free_port
from tests.fleet_rows import make_gpu, make_samples

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30


def command(*arguments):
    return [sys.executable, "manage.py", "rungateway", *map(str, arguments)]


@contextmanager
def gateway(environment, *arguments) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A gateway that answers, and its address; killed at the end if it still runs."""
    port = free_port()
    process = subprocess.Popen(
        command("--port", port, *arguments),
        cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/health", process)
        yield process, address
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE_S)


def wait_for(url, process):
    pause = threading.Event()
    for _ in range(DEADLINE_S * 20):
        assert process.poll() is None, process.communicate()[0]
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            pause.wait(0.05)
    raise AssertionError(f"{url} did not answer")


def refused(environment, *arguments):
    """What a gateway that cannot start says; its exit status must be 1."""
    done = subprocess.run(
        command(*arguments), cwd=ROOT, env=environment, text=True, capture_output=True,
        timeout=DEADLINE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    return done.stderr


IMPATIENT = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "telemetry_project.settings"
from django.core.management import execute_from_command_line
from apps.gateway.serving import server
server.IDLE_S = 1
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


def test_a_connection_that_says_nothing_is_closed(environment, monkeypatch):
    def impatient(*arguments):
        return [sys.executable, "-c", IMPATIENT, "rungateway", *map(str, arguments)]

    monkeypatch.setattr(f"{__name__}.command", impatient)
    with gateway(environment) as (_, address):
        host, port = address.removeprefix("http://").split(":")
        for said in (b"", b"GET /hea"):
            with socket.create_connection((host, int(port)), timeout=DEADLINE_S) as idle:
                idle.sendall(said)
                assert idle.recv(1000) == b""


@pytest.mark.parametrize("workers", [1, 2])
def test_it_serves_the_api_and_the_admin_and_stops_on_sigterm(environment, workers):
    make_samples(make_gpu(), 3)
    with gateway(environment | {"PUBLIC_READ": "true"}, "--workers", workers) as (process, address):
        for path in ("/ready", "/api/v1/gpus/GPU-host-1-0/telemetry", "/admin/login/"):
            with urllib.request.urlopen(address + path) as answer:
                assert answer.status == 200
                assert int(answer.headers["Content-Length"]) == len(answer.read())
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0
        assert f"Gateway on {address}" in output
        assert "rror" not in output


def test_ctrl_c_in_a_terminal_stops_it_without_complaint(environment):
    """A terminal signals the whole process group: parent and workers at once."""
    with gateway(environment) as (process, _):
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0
        assert "rror" not in output


def test_static_files_are_served_without_a_collect_step(environment):
    with gateway(environment) as (_, address):
        for path in ("/static/admin/css/base.css", "/static/telemetry/admin.css"):
            with urllib.request.urlopen(address + path) as answer:
                assert answer.headers["Content-Type"].startswith("text/css")


def test_workers_go_with_a_parent_that_is_killed(environment):
    with gateway(environment, "--workers", 2) as (process, address):
        process.kill()
        # Its output ends only once no worker holds it any more.
        process.communicate(timeout=DEADLINE_S)
        with closing(socket.socket()) as probe:
            port = int(address.rpartition(":")[2])
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_threads_that_serve_preempt_nobody_and_their_parent_is_left_as_it_was(environment):
    with gateway(environment) as (process, _):
        (worker,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        threads = [int(path.name) for path in Path(f"/proc/{worker}/task").iterdir()]
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH}
        assert os.sched_getscheduler(process.pid) == os.SCHED_OTHER


def test_it_runs_without_postgresql_and_says_that_it_is_not_ready(environment):
    absent = f"postgres://nobody@127.0.0.1:{free_port()}/nothing"
    with gateway(environment | {"DATABASE_URL": absent}) as (_, address):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{address}/ready")
        assert caught.value.code == 503
        caught.value.close()


def test_it_refuses_to_start_without_a_secret_key_and_says_how_to_make_one(environment, tmp_path):
    environment = {**environment, "VAR_DIR": str(tmp_path)}
    environment.pop("SECRET_KEY", None)
    said = refused(environment)
    assert "SECRET_KEY is not set" in said
    assert "token_urlsafe" in said


def test_it_refuses_a_port_that_another_gateway_serves(environment):
    with gateway(environment) as (_, address):
        port = address.rpartition(":")[2]
        assert f"Port {port} of 127.0.0.1 is in use" in refused(environment, "--port", port)


def test_it_refuses_an_address_that_is_not_of_this_machine(environment):
    assert "Cannot listen on 192.0.2.1" in refused(environment, "--host", "192.0.2.1")
    assert "is no address" in refused(environment, "--host", "no.such.host.invalid")


def test_a_wrong_address_of_etcd_ends_it_at_once_with_what_to_do(environment):
    done = subprocess.run(
        command(), cwd=ROOT, text=True, capture_output=True, check=False, timeout=DEADLINE_S,
        env=environment | {"ETCD_ENDPOINTS": "http://127.0.0.1:2379"},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith("set ETCD_ENDPOINTS to host:port[,…]\n")


@pytest.mark.parametrize(
    "arguments", [["--port", "0"], ["--port", "http"], ["--workers", "0"], ["--threads", "-1"]]
)
def test_arguments_that_make_no_sense_are_refused_as_usage(arguments):
    done = subprocess.run(
        command(*arguments), cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert f"argument {arguments[0]}" in done.stderr
