"""The metrics page of real collector processes tells what they stored."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from apps.embedded.ports import free_port
from apps.mq import Message, Publisher, QueueConfig
from apps.telemetry.models import DeadLetter, Sample
from apps.telemetry.records import encode
from tests.integration.metrics_pages import PATIENCE_S, Page, get, page_that, port_with_free
from tests.integration.records import record

ROOT = Path(__file__).parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Starts a collector; it is ended with its whole group."""
    processes = []

    def start_one(*arguments: str | int) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runcollector", *map(str, arguments)],
            cwd=ROOT, env=environment, text=True, stderr=subprocess.PIPE,
        )  # fmt: skip
        processes.append(process)
        return process

    yield start_one
    for process in processes:
        process.terminate()
        try:
            process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/metrics"


def publish(endpoints: list[str], cluster_id: str, values: list[bytes]) -> None:
    publisher = Publisher(QueueConfig(endpoints=tuple(endpoints), cluster=cluster_id))
    publisher.publish([Message("h", "0", value) for value in values])
    publisher.flush()
    publisher.close()


def records(gpus: int, seconds: int) -> list[bytes]:
    return [
        encode(record(gpu, second, power_draw=1.0))
        for second in range(seconds)
        for gpu in range(gpus)
    ]


def acknowledged(count: int) -> Callable[[Page], bool]:
    return lambda page: page.value("messages_acknowledged_total") >= count


def test_the_page_counts_what_was_stored_merged_and_refused(
    etcd_endpoints, cluster_id, start, environment
):
    values = records(gpus=5, seconds=100)
    publish(etcd_endpoints, cluster_id, [*values, b"no record"])
    port = free_port()
    start("--metrics-port", port)
    page_that(acknowledged(501), url(port))
    publish(etcd_endpoints, cluster_id, values[:20])
    page = page_that(acknowledged(521), url(port))
    assert Sample.objects.count() == 500
    assert DeadLetter.objects.count() == 1
    assert page.value("records_stored_total") == 520
    assert page.value("records_merged_total") == 20
    assert page.value("dead_letters_total") == 1
    assert page.value("messages_taken_total") == page.value("messages_acknowledged_total") == 521
    assert 2 <= page.value("batches_acknowledged_total") <= page.value("batches_taken_total")
    assert page.value("commit_lag_seconds_count") >= 2
    assert page.value("messages_taken_bytes_total") == sum(map(len, [*values, *values[:20]])) + 9
    for duration in ("take", "decode", "store", "acknowledge"):
        assert page.value(f"{duration}_duration_seconds_count") >= 2
        assert page.value(f"{duration}_duration_seconds_sum") > 0
    assert abs(page.value("last_commit_timestamp_seconds") - time.time()) < 3600
    assert page.value("build_info") == 1


def test_every_process_of_several_has_a_page_of_its_own(etcd_endpoints, cluster_id, start):
    first = port_with_free(1)
    group = start("--workers", 2, "--batch-size", 200, "--metrics-port", first)
    for port in (first, first + 1):
        page_that(lambda page: page.value("build_info") == 1, url(port))
    values = records(gpus=20, seconds=200)
    publish(etcd_endpoints, cluster_id, values)

    def total() -> float:
        pages = (get(url(port)) for port in (first, first + 1))
        return sum(page.value("records_stored_total") for page in pages)

    deadline = time.monotonic() + PATIENCE_S
    while Sample.objects.count() < len(values) or total() < len(values):
        assert time.monotonic() < deadline, total()
        time.sleep(0.1)
    assert Sample.objects.count() == len(values)
    group.send_signal(signal.SIGTERM)
    assert group.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_is_taken_ends_it_with_2_and_says_which(start, workers):
    first = port_with_free(1)
    with closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as when it was looked at
        taken.bind(("127.0.0.1", first + workers - 1))
        taken.listen()
        process = start("--workers", workers, "--metrics-port", first)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert f"port {first + workers - 1} of 127.0.0.1 is in use" in said


def test_an_address_that_is_not_of_this_machine_ends_it_with_2_and_says_so(start):
    process = start("--metrics-port", free_port(), "--metrics-address", "192.0.2.1")
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "--metrics-address 192.0.2.1" in said


def test_ports_beyond_the_last_one_end_it_with_2(start):
    process = start("--workers", 2, "--metrics-port", 65_535)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "one for each worker" in said


def test_a_failing_etcd_is_counted_by_class(start, cluster_id, environment):
    environment["ETCD_ENDPOINTS"] = f"127.0.0.1:{free_port()}"
    port = free_port()
    start("--metrics-port", port)
    page = page_that(lambda page: page.value("etcd_errors_total") > 2, url(port))
    assert page.value("etcd_errors_total", {"error": "OutcomeUnknown"}) > 2
