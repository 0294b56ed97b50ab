"""The REST routes under /api/v1/; none ends with a slash."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from apps.gateway.rest.clusters import ClusterListView, ClusterView
from apps.gateway.rest.fleet_telemetry import FleetTelemetryView
from apps.gateway.rest.gpus import GpuListView, GpuView
from apps.gateway.rest.hosts import HostGpusView, HostListView, HostView
from apps.gateway.rest.ingest import IngestView
from apps.gateway.rest.latest import LatestView
from apps.gateway.rest.models import ModelListView
from apps.gateway.rest.pipeline import PipelineView
from apps.gateway.rest.registry import MetricListView
from apps.gateway.rest.stats import StatsView
from apps.gateway.rest.summary import GpuSummaryView
from apps.gateway.rest.telemetry import GpuTelemetryView
from apps.gateway.rest.uploads import (
    CsvUploadView,
    UploadCancelView,
    UploadDetailView,
    UploadListView,
    UploadRetryView,
)


class NameConverter(StringConverter):
    """A UUID or hostname as records may have it; anything else is not found, not looked up."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}"


register_converter(NameConverter, "name")

urlpatterns = [
    # First what is asked for most: patterns are tried one after the other.
    path("gpus/<name:uuid>/telemetry", GpuTelemetryView.as_view(), name="gpu-telemetry"),
    path("telemetry/latest", LatestView.as_view(), name="latest"),
    path("gpus", GpuListView.as_view(), name="gpus"),
    path("clusters", ClusterListView.as_view(), name="clusters"),
    path("clusters/<name:slug>", ClusterView.as_view(), name="cluster"),
    path("hosts", HostListView.as_view(), name="hosts"),
    path("hosts/<name:hostname>", HostView.as_view(), name="host"),
    path("hosts/<name:hostname>/gpus", HostGpusView.as_view(), name="host-gpus"),
    path("gpus/<name:uuid>", GpuView.as_view(), name="gpu"),
    path("gpus/<name:uuid>/telemetry/summary", GpuSummaryView.as_view(), name="gpu-summary"),
    path("telemetry", FleetTelemetryView.as_view(), name="telemetry"),
    path("metrics", MetricListView.as_view(), name="metric-list"),
    path("models", ModelListView.as_view(), name="models"),
    path("stats", StatsView.as_view(), name="stats"),
    path("pipeline", PipelineView.as_view(), name="pipeline"),
    path("ingest", IngestView.as_view(), name="ingest"),
    path("csv/upload", CsvUploadView.as_view(), name="send-csv"),
    path("csv/uploads", UploadListView.as_view(), name="csv-uploads"),
    path("csv/uploads/<uuid:upload_id>", UploadDetailView.as_view(), name="csv-upload"),
    path("csv/uploads/<uuid:upload_id>/cancel", UploadCancelView.as_view(), name="cancel-csv"),
    path("csv/uploads/<uuid:upload_id>/retry", UploadRetryView.as_view(), name="retry-csv"),
]
