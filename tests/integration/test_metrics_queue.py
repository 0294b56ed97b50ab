"""What the queue tells its observer is what it did."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest

from apps.embedded.ports import free_port
from apps.mq import Consumer, EtcdError, Message, Publisher, Queue
from apps.mq.etcd.client import EtcdClient
from apps.mq.keys import Keys
from apps.mq.maintenance import Maintenance
from apps.mq.membership import Membership
from apps.mq.observer import Observer
from tests.integration.queue_steps import publish, put, take_all

PATIENCE_S = 30


class Heard(Observer):
    """Keeps the arguments of every call under its method's name."""

    def __init__(self) -> None:
        self.calls: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
        self.errors: list[EtcdError] = []
        for name in vars(Observer):
            if not name.startswith("_") and name != "failed":
                setattr(self, name, self._keep(name))

    def _keep(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls[name].append(arguments)

    def failed(self, error: EtcdError) -> None:
        self.errors.append(error)

    def total(self, name: str, argument: int = 0) -> float:
        """The sum of one argument over all calls."""
        return sum(call[argument] for call in self.calls[name])


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def start(queue_config, heard):
    """Starts a consumer that is heard."""
    started = []

    def start_one(name: str) -> Consumer:
        one = Consumer(queue_config, name, observer=heard)
        started.append(one)
        one.start()
        return one

    yield start_one
    for one in started:
        one.close()


def test_a_publisher_tells_of_every_message_once_acknowledged(queue_config, heard):
    publisher = Publisher(queue_config, observer=heard)
    publisher.publish([Message("h", "0", b"x")] * 500)
    publisher.flush()
    publisher.close()
    assert heard.total("published") == publisher.acknowledged == 500
    assert len(heard.calls["published"]) > 1
    assert all(0 < seconds < PATIENCE_S for _, seconds in heard.calls["published"])


def test_a_publisher_that_holds_back_tells_why_and_how_long(queue_config, heard):
    publish(queue_config, 60)
    publisher = Publisher(replace(queue_config, max_depth=100), observer=heard)
    publisher.publish([Message("h", "0", b"x")])
    publisher.flush()
    publisher.close()
    (messages, size_in_use_bytes), *_ = heard.calls["measured"]
    assert messages == 60
    assert size_in_use_bytes > 0
    assert heard.total("held_back") > 0


def test_a_consumer_tells_what_it_took_acknowledged_and_gave_back(queue_config, heard, start):
    publish(queue_config, 300)
    one = start("one")
    taken = take_all(one, 300)
    assert heard.total("taken", 0) == len(taken)
    assert heard.total("taken", 1) == 300
    assert heard.total("taken", 2) == sum(batch.size_bytes for batch in taken)
    assert "acknowledged" not in heard.calls
    one.release(taken[:1])
    assert heard.total("released") == 1
    again = take_all(one, len(taken[0].messages))
    one.ack([*taken[1:], *again])
    assert heard.total("acknowledged", 0) == len(taken)
    assert heard.total("acknowledged", 1) == 300
    assert Queue(queue_config).depth() == 0


def test_a_batch_that_grew_since_it_was_read_is_not_told_to_be_acknowledged(
    queue_config, heard, start
):
    publish(queue_config, 3)
    one = start("one")
    (batch,) = take_all(one, 3)
    put(
        queue_config,
        [(Keys(queue_config.cluster).message_prefix(batch.timestamp) + b"h_0_9", b"9")],
    )
    one.ack([batch])
    assert heard.total("acknowledged", 1) == 0
    assert heard.total("released") == 1


def test_batches_of_a_member_without_progress_are_told_to_be_adopted(queue_config, heard, start):
    client = EtcdClient(queue_config)
    ghost = Membership(client, Keys(queue_config.cluster), "collector", "ghost", 60)
    ghost.start()
    try:
        one = start("one")
        deadline = time.monotonic() + PATIENCE_S
        while len(one._membership.view()) < 2 and time.monotonic() < deadline:
            one.take(1, 0.1)
        for number in range(20):  # of so many batches some are the ghost's
            publish(queue_config, 1, first=number)
        take_all(one, 20, acknowledge=True)
    finally:
        ghost.leave()
        client.close()
    assert 0 < heard.total("adopted") < 20
    assert heard.total("acknowledged", 1) == 20


def test_maintenance_tells_the_state_of_etcd_and_that_it_compacted(stack, heard, queue_config):
    config = replace(queue_config, endpoints=tuple(stack.etcd_endpoints))
    publish(config, 10)
    maintenance = Maintenance(config, lambda: True, heard)
    maintenance._compact(1, physical=False)
    maintenance.step()
    maintenance._defragment(config.endpoints[0])
    ((size_in_use_bytes, version), *_) = heard.calls["looked_at"]
    assert size_in_use_bytes > 0
    assert str(version).count(".") == 2
    assert len(heard.calls["compacted"]) == len(heard.calls["defragmented"]) == 1


def test_failed_calls_are_told_by_their_class(queue_config, heard):
    client = EtcdClient(replace(queue_config, endpoints=(f"127.0.0.1:{free_port()}",)), heard)
    with pytest.raises(EtcdError) as caught:
        client.status()
    client.close()
    assert heard.errors == [caught.value]


def test_the_backlog_is_counted_with_the_age_of_its_first_message(queue_config):
    queue = Queue(queue_config)
    assert (queue.backlog().messages, queue.backlog().oldest_at_ns) == (0, 0)
    before = time.time_ns()
    publish(queue_config, 250)
    publish(queue_config, 5)
    backlog = queue.backlog()
    queue.close()
    assert backlog.messages == 255
    assert before <= backlog.oldest_at_ns <= time.time_ns()
