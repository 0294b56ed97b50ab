"""Fixtures of the integration tests."""

from collections.abc import Callable, Iterator

import pytest

from apps.mq import Consumer, QueueConfig
from apps.telemetry import partitions
from apps.telemetry.ingest.store import registry


@pytest.fixture
def fresh_process() -> None:
    """The test stores like a process that has just started: it remembers no GPU and no day."""
    registry.forget()
    partitions.forget()


@pytest.fixture
def queue_config(etcd_endpoints: list[str], cluster_id: str) -> QueueConfig:
    """A queue of this test alone, with leases as short as etcd allows."""
    return QueueConfig(endpoints=tuple(etcd_endpoints), cluster=cluster_id, lease_s=2)


@pytest.fixture
def start_consumer(queue_config: QueueConfig) -> Iterator[Callable[[str], Consumer]]:
    """Starts a consumer of that name; all leave at the end."""
    started: list[Consumer] = []

    def start(name: str) -> Consumer:
        started.append(Consumer(queue_config, name))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.close()
