"""Admin pages of clusters, hosts and GPUs: registered by what they report, so shown, not edited."""

from typing import Any

from django.contrib import admin
from django.db.models import Min, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.telemetry import queries
from apps.telemetry.admin.columns import (
    KEY_METRICS,
    NOTHING,
    Styled,
    all_metrics,
    charts_link,
    in_words,
    list_link,
    metric_columns,
    page_link,
    state,
    summary,
    utc,
)
from apps.telemetry.admin.gpu_state import GpuStateFilter
from apps.telemetry.models import Cluster, Gpu, Host, LatestSample


def _latest(gpu: Gpu) -> LatestSample | None:
    """The GPU's latest sample, which every queryset here brings along."""
    return getattr(gpu, "latest", None)


class Deletable:
    """Deleting takes the latest samples along, which nobody may delete by themselves."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What would go, and whose permission is missing for it."""
        objects, counts, missing, protected = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        return objects, counts, missing - {LatestSample._meta.verbose_name}, protected


class Registered(Deletable):
    """Objects that appear when they first report; deleting one is for what was retired."""

    def has_add_permission(self, *_: Any) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, *_: Any) -> bool:
        """Nobody edits what the next record would overwrite."""
        return False


@admin.register(Cluster)
class ClusterAdmin(Deletable, Styled, admin.ModelAdmin):
    """Clusters with their sizes; the name is for people and may be changed."""

    list_display = ["slug", "name", "hosts", "gpus", "first_seen"]
    search_fields = ["slug", "name"]
    ordering = ["slug"]
    fields = ["slug", "name", "hosts", "gpus", "first_seen"]
    readonly_fields = ["slug", "hosts", "gpus", "first_seen"]

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """A cluster appears when it first reports."""
        return False

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Cluster]:
        """Clusters with the numbers of their hosts and GPUs."""
        return queries.clusters()

    @admin.display(ordering="host_count")
    def hosts(self, cluster: Any) -> SafeString:
        """How many hosts, as a link to them."""
        return list_link("host", cluster.host_count, cluster__id__exact=cluster.pk)

    @admin.display(description="GPUs", ordering="gpu_count")
    def gpus(self, cluster: Any) -> SafeString:
        """How many GPUs, as a link to them."""
        return list_link("gpu", cluster.gpu_count, host__cluster__id__exact=cluster.pk)

    @admin.display(ordering="first_seen_at")
    def first_seen(self, cluster: Cluster) -> str:
        """When it first reported."""
        return utc(cluster.first_seen_at)


class GpuInline(admin.TabularInline):
    """The GPUs of a host, on its page."""

    model = Gpu
    verbose_name_plural = "GPUs"
    ordering = ["gpu_index", "uuid"]
    fields = readonly_fields = ("gpu_index", "model_name", "state", "latest_values")
    can_delete = False
    max_num = 0
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gpu]:
        """GPUs with their latest samples."""
        return super().get_queryset(request).select_related("latest")

    def state(self, gpu: Gpu) -> str:
        """Whether it reports."""
        return state(_latest(gpu))

    def latest_values(self, gpu: Gpu) -> str:
        """The key metrics in a line."""
        return summary(_latest(gpu))


@admin.register(Host)
class HostAdmin(Registered, Styled, admin.ModelAdmin):
    """Hosts with the number of their GPUs and when they were last heard."""

    list_display = [
        "hostname", "cluster_link", "state", "gpus", "last_seen", "oldest_gpu", "charts",
    ]  # fmt: skip
    list_filter = ["cluster"]
    search_fields = ["hostname"]
    ordering = ["cluster__slug", "hostname"]
    fields = readonly_fields = (
        "hostname", "cluster_link", "state", "gpus", "last_seen", "first_seen", "charts",
    )  # fmt: skip
    inlines = [GpuInline]

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Host]:
        """Hosts with the number of their GPUs and the newest and oldest of their latest times."""
        return queries.hosts().annotate(oldest_gpu_at=Min("gpus__latest__timestamp"))

    @admin.display(description="cluster", ordering="cluster__slug")
    def cluster_link(self, host: Host) -> SafeString:
        """A link to the cluster's page."""
        return page_link("cluster", host.cluster_id, host.cluster)

    def state(self, host: Any) -> str:
        """Whether it reports, and how many of its GPUs do."""
        return f"{in_words(host.state)}, {host.reporting_count} of {host.gpu_count} GPUs"

    @admin.display(description="GPUs", ordering="gpu_count")
    def gpus(self, host: Any) -> SafeString:
        """How many GPUs, as a link to them."""
        return list_link("gpu", host.gpu_count, host__id__exact=host.pk)

    @admin.display(ordering="last_seen_at")
    def last_seen(self, host: Any) -> str:
        """The time of its newest sample."""
        return utc(host.last_seen_at)

    @admin.display(description="longest silent GPU", ordering="oldest_gpu_at")
    def oldest_gpu(self, host: Any) -> str:
        """The newest sample of the GPU that has been silent for longest."""
        return utc(host.oldest_gpu_at)

    def charts(self, host: Host) -> SafeString:
        """A link to its page of the dashboard."""
        return charts_link("host-page", host.hostname, cluster=host.cluster.slug)

    def first_seen(self, host: Host) -> str:
        """When it first reported."""
        return utc(host.first_seen_at)


@admin.register(Gpu)
class GpuAdmin(Registered, Styled, admin.ModelAdmin):
    """GPUs with their state and key values."""

    list_display = [
        "host_link", "gpu_index", "state", *metric_columns(KEY_METRICS, _latest),
        "last_seen", "charts", "samples", "uuid", "model_name",
    ]  # fmt: skip
    list_display_links = ["gpu_index", "uuid"]
    list_filter = [GpuStateFilter, "host__cluster", "model_name"]
    search_fields = ["uuid", "host__hostname", "model_name", "pci_bus_id"]
    search_help_text = "UUID, hostname, model or PCI address"
    ordering = ["host__cluster__slug", "host__hostname", "gpu_index", "uuid"]
    fieldsets = [
        (None, {"fields": [
            "uuid", "host_link", "gpu_index", "device", "model_name", "driver_version",
            "pci_bus_id", "first_seen",
        ]}),
        ("Latest sample", {"fields": [
            "state", "last_seen", "latest_values", "quarantined", "charts", "samples",
        ]}),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gpu]:
        """GPUs with their host, cluster and latest sample."""
        return super().get_queryset(request).select_related("host__cluster", "latest")

    @admin.display(description="host", ordering="host__hostname")
    def host_link(self, gpu: Gpu) -> SafeString:
        """A link to the host's page."""
        return page_link("host", gpu.host_id, gpu.host)

    def state(self, gpu: Gpu) -> str:
        """Whether it reports."""
        return state(_latest(gpu))

    @admin.display(ordering="latest__timestamp")
    def last_seen(self, gpu: Gpu) -> str:
        """The time of its newest sample."""
        latest = _latest(gpu)
        return utc(latest.timestamp) if latest else NOTHING

    def charts(self, gpu: Gpu) -> SafeString:
        """A link to its page of the dashboard."""
        return charts_link("gpu-page", gpu.uuid)

    def samples(self, gpu: Gpu) -> SafeString:
        """A link to its samples."""
        return list_link("samplerow", "samples", gpu=gpu.uuid)

    def first_seen(self, gpu: Gpu) -> str:
        """When it first reported."""
        return utc(gpu.first_seen_at)

    def quarantined(self, gpu: Gpu) -> SafeString | str:
        """How many of its records were refused, as a link to them, and why the last one was."""
        refused = queries.quarantined([gpu.uuid])[gpu.uuid]
        if not refused["count"]:
            return NOTHING
        link = list_link("deadletter", f"{refused['count']} records", uuid=gpu.uuid)
        return format_html("{}, the last: {}", link, refused["last_reason"])

    def latest_values(self, gpu: Gpu) -> SafeString:
        """Every metric of its newest sample."""
        rows = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", all_metrics(_latest(gpu)))
        return format_html("<table>{}</table>", rows)
