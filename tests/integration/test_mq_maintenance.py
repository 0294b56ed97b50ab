"""etcd's store is kept small without a person, and comes back from its space quota."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.mq import Consumer, Message, Publisher, Queue, QueueConfig, maintenance
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import Compacted, SpaceExceeded
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.maintenance import Maintenance
from tests.faults.etcd_cluster import EtcdCluster
from tests.faults.etcd_program import needs_sound_etcd

pytestmark = needs_sound_etcd

QUOTA = 4 << 20
MESSAGE = Message("h", "0", b"x" * 1000)


@pytest.fixture
def config(tmp_path: Path) -> Iterator[QueueConfig]:
    with EtcdCluster(tmp_path, quota_bytes=QUOTA, compaction_s=None) as etcd:
        yield QueueConfig(tuple(etcd.endpoints), "c", max_txn_ops=1024)


@pytest.fixture
def client(config: QueueConfig) -> Iterator[EtcdClient]:
    one = EtcdClient(config)
    yield one
    one.close()


def put(client: EtcdClient, value: bytes) -> int:
    request = rpc_pb2.TxnRequest()
    operation = request.success.add().request_put
    operation.key, operation.value = b"/elsewhere", value
    return int(client.txn(request).header.revision)


def is_kept(client: EtcdClient, revision: int) -> bool:
    try:
        client.range(rpc_pb2.RangeRequest(key=b"/elsewhere", revision=revision))
    except Compacted:
        return False
    return True


def fill(config: QueueConfig, client: EtcdClient) -> int:
    """Publish half of what fits, then make etcd refuse; how many messages wait."""
    publisher = Publisher(config)
    # Counted here: the store's own size is that of a moment ago, and past the quota a publisher
    # waits until somebody drains it.
    for _ in range(QUOTA // 2 // len(MESSAGE.value) // 100):
        publisher.publish([MESSAGE] * 100)
        publisher.flush()
    publisher.close()
    for _ in range(100):  # the size that counts is that of the last commit, ten a second
        try:
            put(client, b"x" * (QUOTA // 10))
        except SpaceExceeded:
            return publisher.acknowledged
    raise AssertionError("etcd never reached its quota")


def test_old_history_is_compacted_and_new_history_is_kept(config, client, monkeypatch):
    one = Maintenance(config, elected=lambda: True)
    old = put(client, b"1")
    put(client, b"2")
    one.step()
    assert is_kept(client, old)
    monkeypatch.setattr(maintenance, "KEEP_HISTORY_S", 0.0)
    new = put(client, b"3")
    one.step()
    assert not is_kept(client, old)
    assert is_kept(client, new)


def test_who_is_not_elected_compacts_nothing(config, client, monkeypatch):
    monkeypatch.setattr(maintenance, "KEEP_HISTORY_S", 0.0)
    old = put(client, b"1")
    put(client, b"2")
    Maintenance(config, elected=lambda: False).step()
    assert is_kept(client, old)


def test_a_store_at_its_quota_is_drained_and_takes_messages_again(config, client):
    waiting = fill(config, client)
    one = Maintenance(config, elected=lambda: True)
    one.step()
    with pytest.raises(SpaceExceeded):
        put(client, b"nothing is drained yet, so there is no room to make")
    consumer = Consumer(config, "one")
    taken = 0
    while taken < waiting:
        batches = consumer.take(8, 1.0)
        taken += sum(len(batch.messages) for batch in batches)
        consumer.ack(batches)
    queue = Queue(config)
    assert queue.depth() == 0
    one.step()
    put(client, b"there is room")
    assert client.status().dbSize < QUOTA // 2
    queue.close()
    consumer.close()


def test_a_full_store_is_said_once_and_so_is_its_recovery(config, client, caplog):
    fill(config, client)
    one = Maintenance(config, elected=lambda: True)
    for _ in range(3):
        one.step()
    consumer = Consumer(config, "one")
    while batches := consumer.take(8, 1.0):
        consumer.ack(batches)
    consumer.close()
    one.step()
    one.step()
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len([line for line in said if "has reached its space quota" in line]) == 1
    assert len([line for line in said if "takes messages again" in line]) == 1
