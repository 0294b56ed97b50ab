"""Fixtures of the integration tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.mq import Consumer, QueueConfig
from apps.telemetry import partitions
from apps.telemetry.ingest.store import registry
from tests.integration.archiving import drop_partitions


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


@pytest.fixture
def no_history(transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[Path]:
    """No partition, and an empty archive in a folder of the test's own, which it returns."""
    settings.ARCHIVE_DIR = str(tmp_path / "archive")
    settings.STORAGES = {
        **settings.STORAGES,
        "archive": {"BACKEND": "apps.telemetry.archive.folder.ArchiveFolder"},
    }
    drop_partitions()
    yield tmp_path / "archive"
    drop_partitions()
