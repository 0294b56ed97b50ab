"""A take is bounded in bytes, whatever the messages hold, and brings everything in the end."""

import time
from collections.abc import Sequence

import pytest

from apps.mq import Batch, Consumer, Message, Publisher, QueueConfig
from apps.mq.consumer import TAKE_BYTES
from apps.mq.keys import Keys
from apps.mq.reader import BATCHES_AT_ONCE
from tests.integration.queue_steps import PATIENCE_S, publish, put, values

LARGE = 1_000_000
STAMP = 1_700_000_000_000_000_000


def publish_large(config: QueueConfig, count: int) -> None:
    publisher = Publisher(config)
    publisher.publish([Message("h", "0", b"x" * LARGE)] * count)
    publisher.flush()
    publisher.close()


def put_large(config: QueueConfig, count: int) -> None:
    for number in range(count):
        key = Keys(config.cluster).message_prefix(STAMP + number) + b"h_0_0"
        put(config, [(key, b"x" * LARGE)])


def size(batches: Sequence[Batch]) -> int:
    return sum(batch.size_bytes for batch in batches)


def takes(one: Consumer, count: int) -> list[int]:
    """The bytes of each take until `count` messages came; each is acknowledged."""
    sizes = []
    deadline = time.monotonic() + PATIENCE_S
    while count > 0:
        assert time.monotonic() < deadline, f"{count} messages did not come"
        batches = one.take(64, 1.0)
        one.ack(batches)
        count -= sum(len(batch.messages) for batch in batches)
        sizes += [size(batches)] if batches else []
    return sizes


@pytest.mark.parametrize("write", [publish_large, put_large])
def test_large_messages_come_in_takes_of_a_bounded_size(queue_config, start_consumer, write):
    write(queue_config, 40)
    sizes = takes(start_consumer("one"), 40)
    assert max(sizes) < TAKE_BYTES + LARGE
    assert sum(sizes) == 40 * LARGE


def test_a_take_of_many_small_messages_of_others_grows_to_all_that_wait(
    queue_config, start_consumer
):
    keys = Keys(queue_config.cluster)
    put(queue_config, [(keys.message_prefix(STAMP) + b"h_0_%d" % n, b"x") for n in range(2000)])
    one = start_consumer("one")
    assert sum(takes(one, 2000)) == 2000
    put(queue_config, [(keys.message_prefix(STAMP) + b"h_0_%d" % n, b"x") for n in range(500)])
    assert takes(one, 500)[0] == 500


def test_what_a_take_left_for_its_size_is_the_next_to_come(queue_config, start_consumer):
    publish_large(queue_config, 12)
    one = start_consumer("one")
    stamps: list[int] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(stamps) < 12 and time.monotonic() < deadline:
        batches = one.take(64, 1.0, max_bytes=3 * LARGE)
        stamps += [batch.timestamp for batch in batches]
    assert len(stamps) == 12
    assert stamps == sorted(stamps)


def test_batches_that_become_large_all_of_a_sudden_exceed_it_by_one_read(
    queue_config, start_consumer
):
    one = start_consumer("one")
    for number in range(20):
        publish(queue_config, 1, first=number)
    assert sum(map(len, (values(one.take(64, 1.0)) for _ in range(5)))) == 20
    publish_large(queue_config, 40)
    first, *others = takes(one, 40)
    assert first <= BATCHES_AT_ONCE * LARGE
    assert max(others) < TAKE_BYTES + LARGE
