"""The queue on a real etcd: what is published is taken once, and deleted only when it was seen."""

import time
from collections.abc import Callable, Iterator

import pytest

from apps.mq import Batch, Consumer, Message, Missed, Published, Publisher, Queue, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys
from apps.mq.reading import PAGE_LIMIT, acknowledge, read_batches

PATIENCE_S = 20.0


@pytest.fixture
def config(etcd_endpoints: list[str], cluster_id: str) -> QueueConfig:
    return QueueConfig(endpoints=tuple(etcd_endpoints), cluster=cluster_id, lease_s=2)


@pytest.fixture
def consumer(config: QueueConfig) -> Iterator[Callable[[str], Consumer]]:
    started: list[Consumer] = []

    def start(name: str) -> Consumer:
        started.append(Consumer(config, name))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.close()


def publish(config: QueueConfig, count: int, first: int = 0) -> None:
    publisher = Publisher(config)
    publisher.publish([Message("a_b", "0", b"%d" % n) for n in range(first, first + count)])
    publisher.flush()
    assert publisher.acknowledged == count
    publisher.close()


def put(config: QueueConfig, key: bytes, value: bytes) -> None:
    request = rpc_pb2.TxnRequest()
    operation = request.success.add().request_put
    operation.key, operation.value = key, value
    EtcdClient(config).txn(request)


def values(batches: list[Batch]) -> list[int]:
    return sorted(int(message.value) for batch in batches for message in batch.messages)


def take_all(one: Consumer, count: int) -> list[Batch]:
    taken: list[Batch] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(values(taken)) < count and time.monotonic() < deadline:
        taken += one.take(8, 0.5)
    return taken


def test_what_is_acknowledged_is_gone_and_what_is_released_comes_again(config, consumer):
    publish(config, 300)
    one = consumer("one")
    batches = take_all(one, 300)
    assert values(batches) == list(range(300))
    one.release(batches[1:])
    one.ack(batches[:1])
    again = take_all(one, 300 - len(batches[0].messages))
    assert values(again) == values(batches[1:])
    one.ack(again)
    assert Queue(config).depth() == 0


def test_a_message_that_comes_late_into_a_batch_is_not_deleted_unread(config):
    publish(config, 5)
    client, keys = EtcdClient(config), Keys(config.cluster)
    request = rpc_pb2.RangeRequest(key=keys.batches, range_end=b"\xff", limit=1)
    stamp = keys.batch_timestamp(client.range(request).kvs[0].key)
    assert stamp is not None
    read = read_batches(client, keys, [stamp])
    put(config, keys.message_prefix(stamp) + b"late_0_99", b"99")
    assert acknowledge(client, read) is False
    assert Queue(config).depth() == 6
    again = read_batches(client, keys, [stamp])
    assert values(again) == [0, 1, 2, 3, 4, 99]
    assert acknowledge(client, again) is True
    assert Queue(config).depth() == 0


def test_a_batch_larger_than_a_page_is_delivered_whole(config, consumer):
    keys, count = Keys(config.cluster), PAGE_LIMIT + 50
    stamp = time.time_ns()
    client = EtcdClient(config)
    for start in range(0, count, 100):
        request = rpc_pb2.TxnRequest()
        for number in range(start, min(start + 100, count)):
            operation = request.success.add().request_put
            operation.key = keys.message_prefix(stamp) + b"h_0_%d" % number
            operation.value = b"%d" % number
        client.txn(request)
    put(config, keys.descriptor(stamp), b"{}")
    one = consumer("one")
    seen: list[int] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(seen) < count and time.monotonic() < deadline:
        batches = one.take(8, 0.5)
        seen += values(batches)
        one.ack(batches)
    assert sorted(seen) == list(range(count))
    assert Queue(config).depth() == 0


def test_two_publishers_in_the_same_nanosecond_lose_nothing(config, monkeypatch):
    monkeypatch.setattr("apps.mq.publisher.time.time_ns", lambda: 1_700_000_000_000_000_000)
    publish(config, 10)
    publish(config, 10, first=10)
    assert Queue(config).depth() == 20


def test_a_member_that_leaves_hands_over_what_it_had_in_hand(config, consumer):
    one, two = consumer("one"), consumer("two")
    deadline = time.monotonic() + PATIENCE_S
    while len(Queue(config).members("collector")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    publish(config, 127 * 20)
    assert 0 < len(values(one.take(64, 2.0))) < 127 * 20
    one.close()
    assert values(take_all(two, 127 * 20)) == list(range(127 * 20))


def test_every_listener_sees_every_new_batch_and_a_slow_one_is_told(config, monkeypatch):
    monkeypatch.setattr("apps.mq.subscription.MAX_WAITING", 2)
    queue = Queue(config)
    quick, slow = queue.subscribe(), queue.subscribe()
    time.sleep(0.5)
    for number in range(5):
        publish(config, 3, first=3 * number)
        item = quick.get(PATIENCE_S)
        assert isinstance(item, Published)
        assert [int(message.value) for message in item.messages] == [
            *range(3 * number, 3 * number + 3)
        ]
    assert isinstance(slow.get(PATIENCE_S), Missed)
    rest = [slow.get(PATIENCE_S), slow.get(PATIENCE_S)]
    assert all(isinstance(item, Published) for item in rest)
    quick.close()
    slow.close()


def test_strange_keys_among_the_descriptors_stop_nobody(config, consumer):
    publish(config, 5)
    client, keys = EtcdClient(config), Keys(config.cluster)
    for start in range(0, 2100, 100):
        request = rpc_pb2.TxnRequest()
        for number in range(start, start + 100):
            operation = request.success.add().request_put
            operation.key, operation.value = keys.batches + b"note-%d" % number, b"{}"
        client.txn(request)
    one = consumer("one")
    batches = take_all(one, 5)
    assert values(batches) == list(range(5))
    one.ack(batches)
    publish(config, 5, first=5)
    assert values(take_all(one, 5)) == list(range(5, 10))
