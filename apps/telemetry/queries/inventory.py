"""The inventory lists: clusters, hosts, GPUs and models, each in one statement whatever its length.

`clusters` are the slugs that the caller may see; None is all of them. What lies in another cluster
is not there.
"""

from collections.abc import Collection
from typing import Any

from django.db.models import Count, F, Max, QuerySet

from apps.telemetry.models import Cluster, Gpu, Host
from apps.telemetry.queries.reporting import count_in, gpu_state, host_state
from apps.telemetry.status import State


def clusters(*, clusters: Collection[str] | None = None) -> QuerySet[Cluster]:
    """Clusters by slug, with `host_count`, `gpu_count` and `last_seen_at` (None before data)."""
    found = Cluster.objects.annotate(
        host_count=Count("hosts", distinct=True),
        gpu_count=Count("hosts__gpus"),
        last_seen_at=Max("hosts__gpus__latest__timestamp"),
    ).order_by("slug")
    return found.filter(**_within("slug", clusters))


def hosts(*, clusters: Collection[str] | None = None) -> QuerySet[Host]:
    """Hosts by cluster and name, `cluster` loaded, with their GPUs' counts and states.

    `gpu_count`, `reporting_count`, `silent_count`, `last_seen_at`, `state`.
    """
    return (
        Host.objects.select_related("cluster")
        .filter(**_within("cluster__slug", clusters))
        .annotate(
            gpu_count=Count("gpus"),
            reporting_count=count_in("gpus", State.REPORTING),
            silent_count=count_in("gpus", State.SILENT),
            last_seen_at=Max("gpus__latest__timestamp"),
        )
        .annotate(state=host_state())
        .order_by("cluster__slug", "hostname")
    )


def gpus(*, clusters: Collection[str] | None = None) -> QuerySet[Gpu]:
    """GPUs by cluster, host, index and UUID, `host.cluster` loaded, `last_seen_at`, `state`."""
    return (
        Gpu.objects.select_related("host__cluster")
        .filter(**_within("host__cluster__slug", clusters))
        .annotate(last_seen_at=F("latest__timestamp"), state=gpu_state("latest"))
        .order_by("host__cluster__slug", "host__hostname", "gpu_index", "uuid")
    )


def models(*, clusters: Collection[str] | None = None) -> QuerySet[Any, Any]:
    """Rows with `model_name`, its `gpu_count` and `last_seen_at`, by name."""
    return (
        Gpu.objects.filter(**_within("host__cluster__slug", clusters))
        .values("model_name")
        .annotate(gpu_count=Count("pk"), last_seen_at=Max("latest__timestamp"))
        .order_by("model_name")
    )


def _within(slug: str, clusters: Collection[str] | None) -> dict[str, Collection[str]]:
    return {} if clusters is None else {f"{slug}__in": clusters}
