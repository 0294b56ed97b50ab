"""Every endpoint of etcd is used, and one that does not serve is left for the next."""

from pathlib import Path

import pytest

from apps.embedded.ports import free_port
from apps.mq import Message, Publisher, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import OutcomeUnknown
from apps.mq.etcd.protos import rpc_pb2
from tests.faults.etcd_cluster import EtcdCluster
from tests.faults.etcd_program import needs_sound_etcd
from tests.faults.tcp_proxy import TcpProxy

READ = rpc_pb2.RangeRequest(key=b"/anything")


def starting_at(first: str, other: str, timeout_s: float = 0.5) -> EtcdClient:
    """A client that begins with the first of two endpoints."""
    config = QueueConfig((first, other), "c", timeout_s=timeout_s)
    while True:
        client = EtcdClient(config)
        if client.endpoint == first:
            return client


def test_clients_begin_at_any_of_the_endpoints():
    config = QueueConfig(("a:1", "b:1", "c:1"), "c")
    assert {EtcdClient(config).endpoint for _ in range(100)} == {"a:1", "b:1", "c:1"}


def test_a_dead_endpoint_is_left_for_the_next(etcd_endpoints):
    client = starting_at(f"127.0.0.1:{free_port()}", etcd_endpoints[0])
    with pytest.raises(OutcomeUnknown, match="ETCD_ENDPOINTS"):
        client.range(READ)
    assert client.range(READ).header.revision > 0
    client.close()


def test_a_silent_endpoint_is_left_at_its_deadline(etcd_endpoints):
    with TcpProxy(etcd_endpoints[0]) as proxy:
        client = starting_at(proxy.address, etcd_endpoints[0])
        assert client.range(READ).header.revision > 0
        proxy.blackhole()
        with pytest.raises(OutcomeUnknown, match="did not answer in time"):
            client.range(READ)
        assert client.endpoint == etcd_endpoints[0]
        assert client.range(READ).header.revision > 0
        client.close()


def test_a_publisher_needs_no_more_than_one_living_endpoint(etcd_endpoints, cluster_id):
    dead = [f"127.0.0.1:{free_port()}" for _ in range(4)]
    publisher = Publisher(QueueConfig((*dead, *etcd_endpoints), cluster_id))
    publisher.publish([Message("h", "0", b"{}")])
    publisher.flush()
    assert publisher.acknowledged == 1
    publisher.close()


@needs_sound_etcd
def test_publishing_goes_on_while_members_are_killed_in_turn(tmp_path: Path):
    with EtcdCluster(tmp_path, members=3) as etcd:
        publisher = Publisher(QueueConfig(tuple(etcd.endpoints), "c"))
        for member in range(3):
            etcd.kill(member)
            publisher.publish([Message("h", "0", b"{}")] * 10)
            publisher.flush()
            etcd.restart(member)
        assert publisher.acknowledged == 30
        publisher.close()
