"""Every read of telemetry, for REST, GraphQL, WebSockets and the pages.

Telemetry itself comes as JSON text made by PostgreSQL: building the same rows as Python objects
and encoding them costs several times as much.
"""

from apps.telemetry.queries.inventory import clusters, gpus, hosts
from apps.telemetry.queries.latest import latest_json
from apps.telemetry.queries.sample_json import COLUMNS, UnknownColumn
from apps.telemetry.queries.telemetry import Cursor, Order, Page, UnknownGpu, gpu_telemetry_json
from apps.telemetry.queries.uploads import upload, uploads

__all__ = [
    "COLUMNS",
    "Cursor",
    "Order",
    "Page",
    "UnknownColumn",
    "UnknownGpu",
    "clusters",
    "gpu_telemetry_json",
    "gpus",
    "hosts",
    "latest_json",
    "upload",
    "uploads",
]
