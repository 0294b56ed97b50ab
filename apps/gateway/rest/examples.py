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
    "state": "reporting",
}
HOST = {
    "hostname": HOSTNAME,
    "cluster": "default",
    "gpu_count": 8,
    "first_seen_at": "2025-07-18T20:42:40.250000Z",
    "last_seen_at": "2025-07-18T20:42:37.000000Z",
    "reporting_count": 7,
    "state": "reporting",
}
SAMPLE: dict[str, Any] = {
    "timestamp": "2025-07-18T20:42:34.000000Z",
    **dict.fromkeys(METRIC_NAMES),
    "gpu_utilization": 0,
    "memory_utilization": 0,
    "power_draw": 156.596,
    "extra": None,
}

CLUSTER = {
    "slug": "default",
    "name": "",
    "host_count": 31,
    "gpu_count": 247,
    "first_seen_at": "2025-07-18T20:42:40.250000Z",
    "last_seen_at": "2025-07-18T20:42:37.000000Z",
}
MODEL = {
    "model_name": "NVIDIA H100 80GB HBM3",
    "gpu_count": 247,
    "last_seen_at": "2025-07-18T20:42:37.000000Z",
}
STATS = {
    "gpus": 247,
    "reporting": 247,
    "silent": 0,
    "lost": 0,
    "never_seen": 0,
    "idle": 128,
    "power_draw": 65_012.4,
    "memory_used_mib": 8_392_112,
    "memory_total_mib": 20_008_729,
    "gpu_utilization": 38.2,
    "newest_at": "2025-07-18T20:42:37.000000Z",
}
METRIC = {
    "name": "power_draw",
    "dcgm_id": 155,
    "dcgm_names": ["DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_BOARD_POWER_WATTS"],
    "unit": "W",
    "kind": "gauge",
    "is_integer": False,
    "minimum": 0,
    "maximum": 100_000,
    "description": "Board power",
}
PLACE = {"uuid": UUID, "cluster": "default", "hostname": HOSTNAME, "gpu_id": 0}
BUCKET = {
    "timestamp": "2025-07-18T20:42:00.000000Z",
    "count": 6,
    "power_draw": {"min": 148.2, "avg": 153.9, "max": 156.596, "last": 151.0},
    "energy_consumption_mj": {"last": 81_234_000, "delta": 9_234_000, "rate": 153_900.0},
}
FLEET_SAMPLE = PLACE | SAMPLE
LATEST = (
    PLACE
    | {"device": "nvidia0", "model_name": "NVIDIA H100 80GB HBM3", "state": "reporting"}
    | SAMPLE
)
SUMMARY = {
    "uuid": UUID,
    "start_time": "2025-07-18T20:42:34.000000Z",
    "end_time": None,
    "metrics": {
        "power_draw": {
            "min": 148.2,
            "avg": 153.9,
            "max": 156.596,
            "p50": 154.1,
            "p95": 156.4,
            "p99": 156.596,
            "last": 151.0,
            "count": 4,
        }
    },
}

GPU_EXAMPLE = OpenApiExample(
    "GPU",
    GPU | {"metrics": {"power_draw": "measured", "memory_temperature": "unsupported"}},
    status_codes=["200"],
)


def page_example(name: str, count: int, next_path: str, row: dict[str, Any]) -> OpenApiExample:
    """A first page that shows one row."""
    body = {"count": count, "next": f"{_BASE}/{next_path}", "previous": None, "results": [row]}
    return OpenApiExample(name, body, status_codes=["200"])


def list_example(name: str, count: int, row: dict[str, Any]) -> OpenApiExample:
    """A list that is whole, of which one row is shown."""
    body = {"count": count, "next": None, "previous": None, "results": [row]}
    return OpenApiExample(name, body, status_codes=["200"])


def bucket_example(row: dict[str, Any]) -> OpenApiExample:
    """A page of an aggregated window that shows one row."""
    body = {"resolution": "1m", "count": 1, "next": None, "previous": None, "results": [row]}
    return OpenApiExample("per minute", body, status_codes=["200"])
