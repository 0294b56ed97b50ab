"""The building blocks of the fault suite break what they say, and nothing else."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.embedded.processes import StartFailed
from apps.mq import QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from tests.faults.etcd_cluster import EtcdCluster
from tests.faults.etcd_program import needs_sound_etcd

pytestmark = needs_sound_etcd


@pytest.fixture
def three(tmp_path: Path) -> Iterator[EtcdCluster]:
    with EtcdCluster(tmp_path, members=3) as cluster:
        yield cluster


def client(endpoint: str) -> EtcdClient:
    return EtcdClient(QueueConfig(endpoints=(endpoint,), cluster="test"))


def put(endpoint: str, key: bytes) -> None:
    request = rpc_pb2.TxnRequest()
    request.success.add().request_put.key = key
    client(endpoint).txn(request)


def has(endpoint: str, key: bytes) -> bool:
    return bool(client(endpoint).range(rpc_pb2.RangeRequest(key=key)).kvs)


def test_another_member_leads_after_a_kill_and_the_killed_one_catches_up(three):
    first = three.leader()
    three.kill(first)
    assert not three.running(first)
    second = three.leader()
    assert second != first
    put(three.endpoints[second], b"while it was away")
    three.restart(first)
    assert has(three.endpoints[first], b"while it was away")


def test_a_paused_leader_loses_its_office_and_still_runs(three):
    first = three.leader()
    three.pause(first)
    assert three.running(first)
    assert three.leader() != first
    three.resume(first)
    three.wait_healthy()
    assert has(three.endpoints[first], b"any") is False


def test_members_keep_their_data_when_all_are_killed_and_started_by_a_thread_that_ends(three):
    put(three.endpoints[0], b"kept")
    pids = [three.pid(i) for i in range(3)]
    for i in range(3):
        three.kill(i)
    starter = threading.Thread(target=lambda: [three.launch(i) for i in range(3)])
    starter.start()
    starter.join()
    three.wait_healthy()
    assert not {three.pid(i) for i in range(3)} & set(pids)
    assert all(has(endpoint, b"kept") for endpoint in three.endpoints)


def test_a_member_that_cannot_start_is_reported_with_the_end_of_its_log(tmp_path):
    cluster = EtcdCluster(tmp_path, extra_arguments=["--no-such-option"])
    with pytest.raises(StartFailed, match="no-such-option"):
        cluster.start()
