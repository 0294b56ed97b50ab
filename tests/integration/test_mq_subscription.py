"""Subscriptions: every listener sees every new batch, or is told that it missed some."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.embedded.processes import StartFailed
from apps.embedded.stack import Stack
from apps.mq import EtcdError, Missed, Published, Queue, QueueConfig, Subscription
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys
from tests.faults.etcd_cluster import EtcdCluster
from tests.faults.etcd_program import sound_etcd
from tests.integration.queue_steps import PATIENCE_S, publish, put


def numbers(item: Published | Missed | None) -> list[int]:
    assert isinstance(item, Published)
    return [int(message.value) for message in item.messages]


def revision(config: QueueConfig) -> int:
    client = EtcdClient(config)
    answer = client.range(rpc_pb2.RangeRequest(key=b"any"))
    client.close()
    return int(answer.header.revision)


def compact(config: QueueConfig) -> None:
    """Forget every revision before the present one."""
    client = EtcdClient(config)
    request = rpc_pb2.CompactionRequest(revision=revision(config), physical=True)
    client.call(lambda endpoint: endpoint.kv.Compact, request)
    client.close()


@pytest.fixture
def own(stack: Stack) -> QueueConfig:
    return QueueConfig(endpoints=tuple(stack.etcd_endpoints), cluster="lab", lease_s=2)


@pytest.fixture
def three(tmp_path: Path) -> Iterator[EtcdCluster]:
    try:
        sound_etcd()
    except StartFailed as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    with EtcdCluster(tmp_path, members=3) as cluster:
        yield cluster


def test_every_listener_sees_every_batch_from_the_moment_it_subscribed(queue_config):
    queue = Queue(queue_config)
    listeners = [queue.subscribe() for _ in range(5)]
    for number in range(4):
        publish(queue_config, 3, first=3 * number)
    for listener in listeners:
        for number in range(4):
            expected = [*range(3 * number, 3 * number + 3)]
            assert numbers(listener.get(PATIENCE_S)) == expected
        listener.close()
    queue.close()


def test_what_is_not_of_the_format_is_no_news(queue_config):
    listener = Queue(queue_config).subscribe()
    put(queue_config, [(Keys(queue_config.cluster).queue + b"notes", b"{}")])
    publish(queue_config, 1)
    assert numbers(listener.get(PATIENCE_S)) == [0]
    listener.close()


def test_a_listener_that_falls_behind_is_told_and_gets_what_came_last(queue_config, monkeypatch):
    monkeypatch.setattr("apps.mq.subscription.MAX_WAITING_BYTES", 500)
    queue = Queue(queue_config)
    slow, quick = queue.subscribe(), queue.subscribe()
    for number in range(20):
        publish(queue_config, 1, first=number)
        assert numbers(quick.get(PATIENCE_S)) == [number]
    # Its last batch arrives when it arrives; from the news on there is no gap.
    missed = slow.get(PATIENCE_S)
    assert isinstance(missed, Missed)
    seen = [slow.get(PATIENCE_S)]
    while numbers(seen[-1]) != [19]:
        seen.append(slow.get(PATIENCE_S))
    published = [item for item in seen if isinstance(item, Published)]
    assert [numbers(item)[0] for item in published] == [*range(20 - len(published), 20)]
    assert published[0].revision > missed.revision
    slow.close()
    quick.close()


def test_a_revision_that_is_still_kept_is_followed_from_there(own):
    publish(own, 2)
    since = revision(own) + 1
    publish(own, 2, first=2)
    listener = Queue(own).subscribe(since)
    assert numbers(listener.get(PATIENCE_S)) == [2, 3]
    listener.close()


def test_a_listener_from_before_a_compaction_is_told_and_gets_what_is_new(own):
    since = revision(own) + 1
    for number in range(3):
        publish(own, 1, first=number)
    compact(own)
    listener = Queue(own).subscribe(since)
    missed = listener.get(PATIENCE_S)
    assert isinstance(missed, Missed)
    assert missed.revision >= since
    publish(own, 1, first=9)
    seen = listener.get(PATIENCE_S)
    while numbers(seen) != [9]:  # the revision of the compaction itself is kept
        assert numbers(seen) == [2]
        seen = listener.get(PATIENCE_S)
    listener.close()


def test_a_restart_of_etcd_loses_no_batch(stack, own):
    listener = Queue(own).subscribe()
    publish(own, 1)
    assert numbers(listener.get(PATIENCE_S)) == [0]
    for number in range(1, 4):
        stack.etcd.child.kill()
        stack.etcd.restart()
        publish(own, 1, first=number)
        assert numbers(listener.get(PATIENCE_S)) == [number]
    listener.close()


def held_back(listener: Subscription, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The listener connects again only once this is set."""
    may_connect = threading.Event()
    connect = listener._client.watch

    def watch(requests: Any) -> Any:
        may_connect.wait(PATIENCE_S)
        return connect(requests)

    monkeypatch.setattr(listener._client, "watch", watch)
    return may_connect


def test_what_is_compacted_during_a_restart_is_reported_as_missed(stack, own, monkeypatch):
    listener = Queue(own).subscribe()
    publish(own, 1)
    assert numbers(listener.get(PATIENCE_S)) == [0]
    may_connect = held_back(listener, monkeypatch)
    stack.etcd.child.kill()
    stack.etcd.restart()
    for number in range(1, 4):
        publish(own, 1, first=number)
    compact(own)
    may_connect.set()
    assert isinstance(listener.get(PATIENCE_S), Missed)
    assert numbers(listener.get(PATIENCE_S)) == [3]
    publish(own, 1, first=4)
    assert numbers(listener.get(PATIENCE_S)) == [4]
    listener.close()


def test_a_listener_moves_on_when_its_member_dies(three):
    config = QueueConfig(endpoints=tuple(three.endpoints), cluster="lab", timeout_s=2.0)
    listener = Queue(config).subscribe()
    for number in range(3):
        publish(config, 1, first=number)
        assert numbers(listener.get(PATIENCE_S)) == [number]
        followed = three.endpoints.index(listener._client._endpoint().address)
        three.kill(followed)
        publish(config, 1, first=10 + number)
        assert numbers(listener.get(PATIENCE_S)) == [10 + number]
        three.restart(followed)
    listener.close()


def test_closing_ends_an_iteration(queue_config):
    listener = Queue(queue_config).subscribe()
    seen: list[Published | Missed] = []
    reader = threading.Thread(target=lambda: seen.extend(listener))
    reader.start()
    publish(queue_config, 1)
    listener.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    assert len(seen) <= 1
    assert listener.get(0.0) is None or not seen


def test_subscribing_without_etcd_fails_at_once(stack, own):
    stack.etcd.child.kill()
    with pytest.raises(EtcdError):
        Queue(own).subscribe()
