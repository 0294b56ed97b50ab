"""Examples for the OpenAPI document, from a real DCGM export."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from apps.telemetry.metrics import METRIC_NAMES

UUID = "GPU-5fd4f087-86f3-7a43-b711-4771313afc50"
HOSTNAME = "mtv5-dgx1-hgpu-031"
_BASE = "http://127.0.0.1:8000/api/v1"

GPU = {
    "uuid": UUID,
    "cluster": "default",
    "hostname": HOSTNAME,
    "gpu_id": 0,
    "device": "nvidia0",
    "model_name": "NVIDIA H100 80GB HBM3",
    "driver_version": "535.129.03",
    "pci_bus_id": "",
    "first_seen_at": "2025-07-18T20:42:40.250000Z",
    "last_seen_at": "2025-07-18T20:42:37.000000Z",
}
HOST = {
    "hostname": HOSTNAME,
    "cluster": "default",
    "gpu_count": 8,
    "first_seen_at": "2025-07-18T20:42:40.250000Z",
    "last_seen_at": "2025-07-18T20:42:37.000000Z",
}
SAMPLE: dict[str, Any] = {
    "timestamp": "2025-07-18T20:42:34.000000Z",
    **dict.fromkeys(METRIC_NAMES),
    "gpu_utilization": 0,
    "memory_utilization": 0,
    "power_draw": 156.596,
    "extra": None,
}

GPU_EXAMPLE = OpenApiExample("GPU", GPU, status_codes=["200"])


def page_example(name: str, count: int, next_path: str, row: dict[str, Any]) -> OpenApiExample:
    """A first page that shows one row."""
    body = {"count": count, "next": f"{_BASE}/{next_path}", "previous": None, "results": [row]}
    return OpenApiExample(name, body, status_codes=["200"])
