"""Records of a small fleet, for tests of what stores them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.telemetry.models import Sample
from apps.telemetry.records import Record

START = datetime(2025, 7, 18, 20, 42, 34, tzinfo=UTC)


def record(gpu: int = 0, second: float = 0, **fields: Any) -> Record:
    """A record of the fleet's `gpu`-th GPU (eight per host), `second` after START."""
    identity: dict[str, Any] = {
        "timestamp": START + timedelta(seconds=second),
        "gpu_id": gpu % 8,
        "hostname": f"host-{gpu // 8}",
        "uuid": f"GPU-{gpu:04d}",
        "device": f"nvidia{gpu % 8}",
        "model_name": "NVIDIA H100 80GB HBM3",
    }
    return Record(**(identity | fields))


def stored(gpu: int = 0) -> list[Sample]:
    """The samples of a GPU, oldest first."""
    return list(Sample.objects.filter(gpu__uuid=f"GPU-{gpu:04d}").order_by("timestamp"))
