"""The inventory lists: clusters, hosts and GPUs, each in one statement whatever its length."""

from django.db.models import Count, F, Max, QuerySet

from apps.telemetry.models import Cluster, Gpu, Host


def clusters() -> QuerySet[Cluster]:
    """Clusters by slug, with `host_count`, `gpu_count` and `last_seen_at` (None before data)."""
    return Cluster.objects.annotate(
        host_count=Count("hosts", distinct=True),
        gpu_count=Count("hosts__gpus"),
        last_seen_at=Max("hosts__gpus__latest__timestamp"),
    ).order_by("slug")


def hosts() -> QuerySet[Host]:
    """Hosts by cluster and name, `cluster` loaded, with `gpu_count` and `last_seen_at`."""
    return (
        Host.objects.select_related("cluster")
        .annotate(gpu_count=Count("gpus"), last_seen_at=Max("gpus__latest__timestamp"))
        .order_by("cluster__slug", "hostname")
    )


def gpus() -> QuerySet[Gpu]:
    """GPUs by cluster, host, index and UUID, `host.cluster` loaded, with `last_seen_at`."""
    return (
        Gpu.objects.select_related("host__cluster")
        .annotate(last_seen_at=F("latest__timestamp"))
        .order_by("host__cluster__slug", "host__hostname", "gpu_index", "uuid")
    )
