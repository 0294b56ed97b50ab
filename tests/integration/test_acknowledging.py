"""Small takes are acknowledged together, large ones and the last ones at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.mq import Batch, Consumer, Queue, QueueConfig
from tests.integration.queue_steps import publish, take_all
from workers.collector import acknowledging
from workers.collector.acknowledging import Acknowledging


@pytest.fixture
def one(start_consumer: Callable[[str], Consumer]) -> Consumer:
    return start_consumer("one")


@pytest.fixture
def acks(one: Consumer) -> Iterator[Acknowledging]:
    with ThreadPoolExecutor(max_workers=1) as thread:
        yield Acknowledging(one, thread)


@pytest.fixture(autouse=True)
def _long_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time does not end the waiting, unless a test says so."""
    monkeypatch.setattr(acknowledging, "LINGER_S", 3600.0)


def published(config: QueueConfig, one: Consumer, count: int) -> list[Batch]:
    publish(config, count)
    return take_all(one, count)


def depth(config: QueueConfig) -> int:
    queue = Queue(config)
    waiting = queue.depth()
    queue.close()
    return int(waiting)


def test_small_takes_wait_for_company_and_go_together(queue_config, one, acks):
    for _ in range(3):
        acks.add(published(queue_config, one, 5))
    assert acks.is_lingering
    assert depth(queue_config) == 15
    acks.finish()
    assert not acks.is_lingering
    assert depth(queue_config) == 0


def test_enough_of_them_go_at_once(queue_config, one, acks, monkeypatch):
    monkeypatch.setattr(acknowledging, "ENOUGH_BYTES", 11)
    acks.add(published(queue_config, one, 10))  # a byte each
    assert acks.is_lingering
    acks.add(published(queue_config, one, 1))
    assert not acks.is_lingering
    acks.finish()
    assert depth(queue_config) == 0


def test_what_waited_long_enough_goes_with_the_next(queue_config, one, acks, monkeypatch):
    acks.add(published(queue_config, one, 5))
    monkeypatch.setattr(acknowledging, "LINGER_S", 0.0)
    acks.add(published(queue_config, one, 5))
    assert not acks.is_lingering
    acks.finish()
    assert depth(queue_config) == 0


def test_an_error_of_an_acknowledgement_reaches_whoever_sends_next(queue_config, one, acks):
    acks.add(published(queue_config, one, 5))
    batches = [Batch(0, ranges=None)]  # type: ignore[arg-type]
    acks.add(batches)
    acks.send()
    acks.add(published(queue_config, one, 5))
    with pytest.raises(TypeError):
        acks.send()


def test_nothing_is_sent_where_nothing_waits(acks):
    acks.send()
    acks.finish()
    assert not acks.is_lingering
