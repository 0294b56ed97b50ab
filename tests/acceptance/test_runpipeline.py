"""The real supervisor with real collectors and streamers: bursts, deaths, crash loops, Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from apps.mq import Message, Publisher, Queue, QueueConfig
from apps.mq.statistics import Snapshot, Statistics
from apps.telemetry.models import DeadLetter, Sample
from apps.telemetry.records import encode
from tests.integration.metrics_pages import page_that, port_with_free
from tests.integration.records import record

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90
LEASE_S = 3
# Small transactions are slow, so that what waits is not gone before more collectors are there.
SLOW = ("--batch-size", "50")


class Pipeline:
    """One `runpipeline`; what it prints goes to a file."""

    def __init__(self, directory: Path, environment: Mapping[str, str], *arguments: str) -> None:
        directory.mkdir()
        self._output = directory / "output.txt"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "runpipeline", *arguments],
                cwd=ROOT,
                env={
                    **environment, "MEMBER_LEASE_S": str(LEASE_S), "VAR_DIR": str(directory),
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    @property
    def output(self) -> str:
        return self._output.read_text()

    def workers(self, command: str) -> list[int]:
        """Process ids of its children that run a command."""
        pid = self.process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except FileNotFoundError:
            return []
        return [int(child) for child in children if runs(int(child), command)]

    def ends(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def runs(pid: int, command: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    # Before it has become Python it is the shell that watches over its parent.
    return b"manage.py" in words[1][-9:] and words[2] == command.encode() if words[2:] else False


@pytest.fixture
def config(etcd_endpoints: list[str], cluster_id: str) -> QueueConfig:
    return QueueConfig(endpoints=tuple(etcd_endpoints), cluster=cluster_id)


@pytest.fixture
def look(config: QueueConfig) -> Iterator[Callable[[], Snapshot]]:
    statistics = Statistics(config)
    yield statistics.look
    statistics.close()


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Pipeline]]:
    started: list[Pipeline] = []

    def start_one(*arguments: str) -> Pipeline:
        started.append(Pipeline(tmp_path / str(len(started)), environment, *arguments))
        return started[-1]

    yield start_one
    for pipeline in started:
        if pipeline.process.poll() is None:
            pipeline.process.kill()  # its workers get SIGTERM from the kernel
            pipeline.process.wait()
        sys.stdout.write(pipeline.output)


def publish(config: QueueConfig, gpus: int, seconds: int) -> int:
    """One record for each GPU and second; how many."""
    publisher = Publisher(config)
    for second in range(seconds):
        values = [encode(record(gpu, second, power_draw=1.0)) for gpu in range(gpus)]
        publisher.publish([Message("host", "0", value) for value in values])
    publisher.flush()
    publisher.close()
    return gpus * seconds


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.1)


def live(look: Callable[[], Snapshot], role: str) -> int:
    return len(look().members.get(role, {}))


def supervisors(look: Callable[[], Snapshot]) -> dict[str, Mapping[str, Any]]:
    return {name: one.figures for name, one in look().members.get("supervisor", {}).items()}


def test_a_burst_scales_up_and_back_down_and_every_record_is_stored_once(config, start, look):
    pipeline = start("--collectors", "1..3", *SLOW)
    eventually(lambda: live(look, "collector") == 1, "the fewest run")
    records = publish(config, gpus=100, seconds=600)
    eventually(lambda: live(look, "collector") >= 2, "more collectors run")
    eventually(lambda: look().backlog == 0, "the backlog is drained")
    eventually(lambda: live(look, "collector") == 1, "one is left")
    eventually(
        lambda: all(one["decisions"] for one in supervisors(look).values()), "decisions are told"
    )
    (told,) = supervisors(look).values()
    assert pipeline.ends(signal.SIGTERM) == 0
    assert Sample.objects.count() == records
    assert not DeadLetter.objects.exists()
    reasons = [entry["reason"] for entry in told["decisions"]]
    assert reasons[-1].startswith("collectors 1 → 2: ")
    assert "messages wait" in reasons[-1]
    assert all(f"scaling: {reason}" in pipeline.output for reason in reasons)
    assert live(look, "collector") == live(look, "supervisor") == 0


def test_a_killed_collector_is_started_again_and_nothing_is_lost(config, start, look):
    pipeline = start("--collectors", "2", *SLOW)
    eventually(lambda: live(look, "collector") == 2, "both run")
    records = publish(config, gpus=50, seconds=200)
    victim = pipeline.workers("runcollector")[0]
    os.kill(victim, signal.SIGKILL)
    eventually(
        lambda: len(set(pipeline.workers("runcollector")) - {victim}) == 2, "another is started"
    )
    eventually(lambda: look().backlog == 0, "the backlog is drained")
    eventually(lambda: [one["restarts"] for one in supervisors(look).values()] == [1], "counted")
    assert pipeline.ends(signal.SIGTERM) == 0
    assert Sample.objects.count() == records
    assert "[collector-1] was ended by SIGKILL" in pipeline.output


def test_a_crash_loop_ends_it_with_an_error_and_the_end_of_the_log(start):
    pipeline = start("--collectors", "1")
    deadline = time.monotonic() + PATIENCE_S
    while pipeline.process.poll() is None and time.monotonic() < deadline:
        for pid in pipeline.workers("runcollector"):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    assert pipeline.process.wait(1) == 1
    assert "[collector-1] died 5 times in a row: giving up" in pipeline.output
    assert "no collectors can be kept running" in pipeline.output
    assert "collector-1.log" in pipeline.output


def test_ctrl_c_drains_what_is_in_hand_and_leaves_the_rest_in_the_queue(config, start, look):
    records = publish(config, gpus=100, seconds=600)
    pipeline = start("--collectors", "2", *SLOW)
    eventually(lambda: 0 < look().backlog < records, "it has begun")
    workers = pipeline.workers("runcollector")
    assert pipeline.ends(signal.SIGINT) == 0
    assert not any(runs(pid, "runcollector") for pid in workers)
    assert "killed" not in pipeline.output
    assert live(look, "collector") == live(look, "supervisor") == 0
    queue = Queue(config)  # which counts at once, and not now and then
    assert Sample.objects.count() + queue.depth() == records
    queue.close()


def test_a_streamer_that_has_read_its_files_is_not_started_again(start, look, tmp_path):
    path = tmp_path / "fleet.csv"
    made = ["makecsv", "--hosts", "2", "--gpus-per-host", "8", "--seconds", "50"]
    subprocess.run(
        [sys.executable, "manage.py", *made, "--output", str(path)], cwd=ROOT, check=True
    )
    pipeline = start("--collectors", "1", "--", "--path", str(path), "--once", "--no-restamp")
    eventually(lambda: "[streamer-1] has finished" in pipeline.output, "the streamer ends")
    eventually(lambda: Sample.objects.count() == 16 * 50, "it is stored")
    assert pipeline.workers("runstreamer") == []
    assert pipeline.process.poll() is None
    assert pipeline.ends(signal.SIGTERM) == 0


def test_every_worker_has_a_metrics_page_of_its_own(config, start):
    port = port_with_free(1, 2, 101)
    pipeline = start("--collectors", "2", "--metrics-port", str(port), "--", "--uploads")
    records = publish(config, gpus=10, seconds=10)
    urls = {step: f"http://127.0.0.1:{port + step}/metrics" for step in (0, 1, 2, 101)}
    page_that(lambda page: page.value("scaling_target", {"role": "collectors"}) == 2, urls[0])
    page_that(lambda page: page.value("build_info") == 1, urls[101])
    eventually(lambda: Sample.objects.count() == records, "all is stored")

    def stored(step: int) -> float:
        """Without those that the other had stored before this one joined."""
        page = page_that(lambda page: page.value("build_info") == 1, urls[step])
        return page.value("records_stored_total") - page.value("records_merged_total")

    eventually(lambda: stored(1) + stored(2) == records, "the collectors' pages tell it")
    assert pipeline.ends(signal.SIGTERM) == 0


def test_a_metrics_port_of_a_worker_that_is_taken_is_refused_before_any_starts(start):
    port = port_with_free(1, 2)
    with closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port + 2))
        taken.listen()
        pipeline = start("--collectors", "1..2", "--metrics-port", str(port))
        assert pipeline.process.wait(PATIENCE_S) == 2
    assert f"port {port + 2} of 127.0.0.1 is in use" in pipeline.output


def test_two_supervisors_share_a_burst_and_one_goes_on_alone(config, start, look):
    first, second = (start("--collectors", "1..3", *SLOW) for _ in range(2))
    eventually(lambda: live(look, "supervisor") == live(look, "collector") == 2, "both run")
    records = publish(config, gpus=100, seconds=600)
    eventually(lambda: live(look, "collector") >= 4, "they scale up together")
    eventually(
        lambda: all(one["targets"]["collectors"] >= 4 for one in supervisors(look).values()),
        "both know the target",
    )
    deciders = [name for name, one in supervisors(look).items() if one["decisions_made"]]
    assert len(deciders) == 1
    decides, follows = first, second
    if f"-{second.process.pid}-" in deciders[0]:
        decides, follows = second, first
    assert decides.ends(signal.SIGTERM) == 0
    assert follows.workers("runcollector")
    eventually(lambda: look().backlog == 0, "the backlog is drained")
    eventually(lambda: live(look, "collector") == 1, "one is left")
    assert follows.ends(signal.SIGTERM) == 0
    assert Sample.objects.count() == records


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--collectors", "0"], "0 is outside 1 to 10"),
        (["--collectors", "1..11"], "11 is outside 1 to 10"),
        (["--collectors", "5..2"], "ends before it begins"),
        (["--collectors", "many"], "invalid range value"),
        (["--path", "/data", "--", "--nonsense"], "--nonsense"),
        (["--streamers", "1..3", "--path", "/data"], "give --group NAME"),
    ],
)
def test_wrong_arguments_are_refused_at_once(start, arguments, says):
    pipeline = start(*arguments)
    assert pipeline.process.wait(PATIENCE_S) == 2
    assert says in pipeline.output
