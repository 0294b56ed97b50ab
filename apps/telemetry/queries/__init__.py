"""Every read of telemetry, for REST, GraphQL, WebSockets and the pages.

Telemetry itself comes as JSON text made by PostgreSQL: building the same rows as Python objects
and encoding them costs several times as much.
"""

from apps.telemetry.queries.fleet_page import FleetCursor, FleetPage, fleet_telemetry_json
from apps.telemetry.queries.gpu_choice import GpuChoice
from apps.telemetry.queries.inventory import clusters, gpus, hosts, models
from apps.telemetry.queries.latest import Latest, latest_json
from apps.telemetry.queries.sample_json import COLUMNS, UnknownColumn
from apps.telemetry.queries.stats import Stats, stats_json
from apps.telemetry.queries.telemetry import Cursor, Order, Page, UnknownGpu, gpu_telemetry_json
from apps.telemetry.queries.uploads import upload, uploads

__all__ = [
    "COLUMNS",
    "Cursor",
    "FleetCursor",
    "FleetPage",
    "GpuChoice",
    "Latest",
    "Order",
    "Page",
    "Stats",
    "UnknownColumn",
    "UnknownGpu",
    "clusters",
    "fleet_telemetry_json",
    "gpu_telemetry_json",
    "gpus",
    "hosts",
    "latest_json",
    "models",
    "stats_json",
    "upload",
    "uploads",
]
