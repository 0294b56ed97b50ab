"""Fixtures of the integration tests."""

import pytest

from apps.telemetry import partitions
from apps.telemetry.ingest.store import registry


@pytest.fixture
def fresh_process() -> None:
    """The test stores like a process that has just started: it remembers no GPU and no day."""
    registry.forget()
    partitions.forget()
