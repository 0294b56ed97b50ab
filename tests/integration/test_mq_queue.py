"""The queue on a real etcd: what is published is taken once, and deleted only when it was seen."""

import time

from apps.mq import Queue
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys
from apps.mq.reading import PAGE_LIMIT, acknowledge, read_batches
from tests.integration.queue_steps import PATIENCE_S, publish, put, take_all, values


def test_what_is_acknowledged_is_gone_and_what_is_released_comes_again(
    queue_config, start_consumer
):
    publish(queue_config, 300)
    one = start_consumer("one")
    batches = take_all(one, 300)
    assert values(batches) == list(range(300))
    one.release(batches[1:])
    one.ack(batches[:1])
    again = take_all(one, 300 - len(batches[0].messages))
    assert values(again) == values(batches[1:])
    one.ack(again)
    assert Queue(queue_config).depth() == 0


def test_a_message_that_comes_late_into_a_batch_is_not_deleted_unread(queue_config):
    publish(queue_config, 5)
    client, keys = EtcdClient(queue_config), Keys(queue_config.cluster)
    request = rpc_pb2.RangeRequest(key=keys.batches, range_end=b"\xff", limit=1)
    stamp = keys.batch_timestamp(client.range(request).kvs[0].key)
    assert stamp is not None
    read = read_batches(client, keys, [stamp])
    put(queue_config, [(keys.message_prefix(stamp) + b"late_0_99", b"99")])
    assert acknowledge(client, read) is False
    assert Queue(queue_config).depth() == 6
    again = read_batches(client, keys, [stamp])
    assert values(again) == [0, 1, 2, 3, 4, 99]
    assert acknowledge(client, again) is True
    assert Queue(queue_config).depth() == 0


def test_a_batch_larger_than_a_page_is_delivered_whole(queue_config, start_consumer):
    keys, count = Keys(queue_config.cluster), PAGE_LIMIT + 50
    stamp = time.time_ns()
    put(
        queue_config,
        [(keys.message_prefix(stamp) + b"h_0_%d" % n, b"%d" % n) for n in range(count)],
    )
    put(queue_config, [(keys.descriptor(stamp), b"{}")])
    one = start_consumer("one")
    seen: list[int] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(seen) < count and time.monotonic() < deadline:
        batches = one.take(8, 0.5)
        seen += values(batches)
        one.ack(batches)
    assert sorted(seen) == list(range(count))
    assert Queue(queue_config).depth() == 0


def test_two_publishers_in_the_same_nanosecond_lose_nothing(queue_config, monkeypatch):
    monkeypatch.setattr("apps.mq.publisher.time.time_ns", lambda: 1_700_000_000_000_000_000)
    publish(queue_config, 10)
    publish(queue_config, 10, first=10)
    assert Queue(queue_config).depth() == 20


def test_a_member_that_leaves_hands_over_what_it_had_in_hand(queue_config, start_consumer):
    one, two = start_consumer("one"), start_consumer("two")
    deadline = time.monotonic() + PATIENCE_S
    while len(Queue(queue_config).members("collector")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    publish(queue_config, 127 * 20)
    assert 0 < len(values(one.take(64, 2.0))) < 127 * 20
    one.close()
    assert values(take_all(two, 127 * 20)) == list(range(127 * 20))
