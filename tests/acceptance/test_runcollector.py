"""The real collector process on a real queue and a real database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.mq import Message, Publisher, Queue, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys
from apps.telemetry.models import DeadLetter, Gpu, Host, LatestSample, Sample
from apps.telemetry.records import encode
from tests.integration.records import record, stored

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30
LEASE_S = 3


@pytest.fixture
def config(etcd_endpoints: list[str], cluster_id: str) -> QueueConfig:
    return QueueConfig(endpoints=tuple(etcd_endpoints), cluster=cluster_id)


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    processes = []

    def start_one(*arguments: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runcollector", *arguments],
            cwd=ROOT,
            env={**environment, "MEMBER_LEASE_S": str(LEASE_S)},
        )
        processes.append(process)
        return process

    yield start_one
    for process in processes:
        process.kill()
        process.wait()


def publish(config: QueueConfig, values: list[bytes]) -> None:
    publisher = Publisher(config)
    publisher.publish([Message("host_with_underscore", "0", value) for value in values])
    publisher.flush()
    publisher.close()


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)


def drained(config: QueueConfig) -> None:
    queue = Queue(config)
    eventually(lambda: queue.depth() == 0, "the queue is empty")
    queue.close()


def values(gpus: int, seconds: int) -> list[bytes]:
    return [
        encode(record(gpu, second, power_draw=gpu + second / 1000))
        for second in range(seconds)
        for gpu in range(gpus)
    ]


def test_messages_are_stored_once_gpus_and_hosts_registered_and_the_queue_left_empty(config, start):
    publish(config, values(gpus=20, seconds=50) * 2)
    collector = start()
    drained(config)
    collector.send_signal(signal.SIGTERM)
    assert collector.wait(PATIENCE_S) == 0
    assert Sample.objects.count() == 1000
    assert (Gpu.objects.count(), Host.objects.count(), LatestSample.objects.count()) == (20, 3, 20)
    assert [sample.power_draw for sample in stored(7)] == [7 + s / 1000 for s in range(50)]


def test_a_message_that_is_no_record_becomes_a_dead_letter_and_the_rest_is_stored(config, start):
    bad = b'{"timestamp":"2025-07-18T20:42:34","gpu_id":0}\0'
    publish(config, [*values(2, 3), bad, *values(2, 5)])
    start()
    drained(config)
    letter = DeadLetter.objects.get()
    assert bytes(letter.value) == bad
    assert letter.cluster == config.cluster
    assert "_host_with_underscore_0_6" in letter.key
    assert letter.reason
    assert Sample.objects.count() == 10


def test_what_a_killed_collector_had_in_hand_is_stored_by_another(config, start):
    publish(config, values(gpus=50, seconds=400))
    victim = start("--batch-size", "100")
    eventually(Sample.objects.exists, "the first samples are stored")
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    start()
    drained(config)
    assert Sample.objects.count() == 20_000


def test_several_workers_are_kept_running_share_the_queue_and_stop_together(config, start):
    group = start("--workers", "3", "--batch-size", "200")
    queue = Queue(config)
    eventually(lambda: len(queue.members("collector")) == 3, "three members")
    victim = next(iter(queue.members("collector")))
    os.kill(int(victim.split("-")[-2]), signal.SIGKILL)
    eventually(
        lambda: len(queue.members("collector").keys() - {victim}) == 3, "another in its place"
    )
    eventually(lambda: len(queue.members("collector")) == 3, "the dead one's lease has ended")
    publish(config, values(gpus=50, seconds=200))
    drained(config)
    figures = queue.members("collector")
    assert len(figures) == 3
    group.send_signal(signal.SIGTERM)
    assert group.wait(PATIENCE_S) == 0
    assert Sample.objects.count() == 10_000
    assert queue.members("collector") == {}
    queue.close()


def test_plain_keys_of_foreign_producers_are_stored_and_strange_keys_left_alone(config, start):
    client, keys = EtcdClient(config), Keys(config.cluster)
    request = rpc_pb2.TxnRequest()
    for number in range(3):
        put = request.success.add().request_put
        put.key = keys.queue + f"{time.time_ns()}_some_host_1_{number}".encode()
        put.value = (
            b'{"timestamp":"2025-07-18T20:42:3%d+00:00","gpu_id":"1","hostname":"some_host",'
            b'"uuid":"GPU-f","power_draw":"65.5","DCGM_FI_PROF_SM_ACTIVE":0.25}' % number
        )
    strange = request.success.add().request_put
    strange.key, strange.value = keys.queue + b"notes", b"{}"
    client.txn(request)
    start()
    queue = Queue(config)
    eventually(lambda: queue.depth() == 1, "only the strange key is left")
    queue.close()
    samples = Sample.objects.filter(gpu__uuid="GPU-f")
    assert [(s.power_draw, s.extra) for s in samples] == [
        (65.5, {"DCGM_FI_PROF_SM_ACTIVE": 0.25})
    ] * 3


def test_wrong_arguments_are_refused(start):
    for arguments in (["--workers", "11"], ["--batch-size", "0"], ["--cluster", "a/b"]):
        assert start(*arguments).wait(PATIENCE_S) == 2
