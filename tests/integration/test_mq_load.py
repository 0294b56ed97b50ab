"""What an idle collector asks of etcd does not grow with what waits. Counted by etcd itself."""

import time
import urllib.request
from collections.abc import Iterator

import pytest

from apps.embedded.stack import Stack
from apps.mq import Consumer, QueueConfig
from apps.mq.discovery import MAX_KNOWN
from apps.mq.keys import Keys
from apps.mq.sweep import BATCHES_PER_STEP
from tests.integration.queue_steps import PATIENCE_S, put

FIRST = 1_700_000_000_000_000_000
COUNTED = ("etcd_network_client_grpc_sent_bytes_total", "grpc_server_handled_total")
LOOKS = 40
# From here on the head is a whole page and each step of the sweep for foreign messages a whole one.
SMALL, LARGE = 2 * BATCHES_PER_STEP, MAX_KNOWN + 5_000


@pytest.fixture
def consumer(stack: Stack) -> Iterator[Consumer]:
    config = QueueConfig(endpoints=tuple(stack.etcd_endpoints), cluster="lab")
    one = Consumer(config, "one")
    one.start()
    yield one
    one.close()


def put_batches(stack: Stack, numbers: range) -> None:
    """A batch of one tiny message for each number."""
    keys = Keys("lab")
    stamps = [FIRST + 1000 * number for number in numbers]
    pairs = [(keys.message_prefix(stamp) + b"h_0_0", b"") for stamp in stamps]
    pairs += [(keys.descriptor(stamp), b"") for stamp in stamps]
    config = QueueConfig(endpoints=tuple(stack.etcd_endpoints), cluster="lab")
    put(config, sorted(pairs, key=lambda pair: pair[0].rpartition(b"/")[2]))


def counted(stack: Stack) -> dict[str, float]:
    """The sums of etcd's counters, over their labels."""
    sums = dict.fromkeys(COUNTED, 0.0)
    with urllib.request.urlopen(f"http://{stack.etcd_endpoints[0]}/metrics", timeout=10) as page:
        for line in page.read().decode().splitlines():
            name = line.partition("{")[0].partition(" ")[0]
            if name in sums:
                sums[name] += float(line.rpartition(" ")[2])
    return sums


def cost(stack: Stack, consumer: Consumer, waiting: int) -> dict[str, float]:
    """What LOOKS looks at everything cost etcd, once all that is remembered is known."""
    discovery = consumer._discovery
    deadline = time.monotonic() + PATIENCE_S
    while len(discovery._book) < min(waiting, MAX_KNOWN) and time.monotonic() < deadline:
        consumer.take(0, 0.5)
    assert len(discovery._book) >= min(waiting, MAX_KNOWN)
    before = counted(stack)
    for _ in range(LOOKS):
        discovery._head_at = discovery._sweep_at = 0.0
        discovery.look_around()
    after = counted(stack)
    return {name: after[name] - before[name] for name in COUNTED}


def test_an_idle_collector_costs_etcd_the_same_whatever_waits(stack, consumer):
    put_batches(stack, range(SMALL))
    little = cost(stack, consumer, SMALL)
    put_batches(stack, range(SMALL, LARGE))
    much = cost(stack, consumer, LARGE)
    for name in COUNTED:
        # Membership goes on beside it, by the clock.
        assert little[name] > 0
        assert much[name] < 1.3 * little[name], f"{name}: {little[name]:.0f} → {much[name]:.0f}"
