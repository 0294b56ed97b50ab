"""Every read of telemetry, for REST, GraphQL, WebSockets and the pages.

Telemetry itself comes as JSON text made by PostgreSQL: building the same rows as Python objects
and encoding them costs several times as much.
"""

from apps.telemetry.queries.buckets import (
    MAX_AGGREGATED,
    Buckets,
    buckets_json,
    by_rollups,
    counted,
)
from apps.telemetry.queries.dead_letters import MAX_LETTERS, dead_letters
from apps.telemetry.queries.exports import (
    MAX_EXPORTED,
    Column,
    ColumnType,
    Export,
    export_buckets,
    export_latest,
)
from apps.telemetry.queries.extent import extent
from apps.telemetry.queries.fleet_archived import TooManyArchived
from apps.telemetry.queries.fleet_page import (
    MAX_COUNTED,
    FleetCursor,
    FleetPage,
    fleet_telemetry_json,
)
from apps.telemetry.queries.gpu_choice import EVERY_GPU, GpuChoice
from apps.telemetry.queries.inventory import clusters, gpus, hosts, models
from apps.telemetry.queries.kept import RollupsGone
from apps.telemetry.queries.latest import LOOK_BACK, Latest, latest_json
from apps.telemetry.queries.presence import Presence, presence
from apps.telemetry.queries.quarantined import quarantined
from apps.telemetry.queries.reporting import IDLE_BELOW, REPORTING_MEANS
from apps.telemetry.queries.resolution import STEPS, Extent, Resolution, resolution_for
from apps.telemetry.queries.sample_export import export_samples
from apps.telemetry.queries.sample_json import COLUMNS, UnknownColumn
from apps.telemetry.queries.snapshot import snapshot
from apps.telemetry.queries.stats import Stats, stats_json
from apps.telemetry.queries.summary import STATISTICS, summaries
from apps.telemetry.queries.tasks import Task, TaskState, queue_history, task_states, tasks
from apps.telemetry.queries.telemetry import Cursor, Order, Page, UnknownGpu, gpu_telemetry_json
from apps.telemetry.queries.uploads import upload, uploads

__all__ = [
    "COLUMNS",
    "EVERY_GPU",
    "IDLE_BELOW",
    "LOOK_BACK",
    "MAX_AGGREGATED",
    "MAX_COUNTED",
    "MAX_EXPORTED",
    "MAX_LETTERS",
    "REPORTING_MEANS",
    "STATISTICS",
    "STEPS",
    "Buckets",
    "Column",
    "ColumnType",
    "Cursor",
    "Export",
    "Extent",
    "FleetCursor",
    "FleetPage",
    "GpuChoice",
    "Latest",
    "Order",
    "Page",
    "Presence",
    "Resolution",
    "RollupsGone",
    "Stats",
    "Task",
    "TaskState",
    "TooManyArchived",
    "UnknownColumn",
    "UnknownGpu",
    "buckets_json",
    "by_rollups",
    "clusters",
    "counted",
    "dead_letters",
    "export_buckets",
    "export_latest",
    "export_samples",
    "extent",
    "fleet_telemetry_json",
    "gpu_telemetry_json",
    "gpus",
    "hosts",
    "latest_json",
    "models",
    "presence",
    "quarantined",
    "queue_history",
    "resolution_for",
    "snapshot",
    "stats_json",
    "summaries",
    "task_states",
    "tasks",
    "upload",
    "uploads",
]
