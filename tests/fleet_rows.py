"""Rows of a small fleet, written straight to the tables for tests of what reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.telemetry import partitions
from apps.telemetry.models import Cluster, Gpu, Host, LatestSample, Sample

START = datetime(2025, 7, 18, 20, 42, 34, tzinfo=UTC)


def make_gpu(
    hostname: str = "host-1", index: int = 0, cluster: str = "default", **facts: Any
) -> Gpu:
    """A GPU, its host and its cluster; the UUID names host and index unless given."""
    host, _ = Host.objects.get_or_create(
        cluster=Cluster.objects.get_or_create(slug=cluster)[0], hostname=hostname
    )
    facts = {"uuid": f"GPU-{hostname}-{index}", "model_name": "NVIDIA H100 80GB HBM3"} | facts
    return Gpu.objects.create(host=host, gpu_index=index, described_at=START, **facts)


def make_samples(gpu: Gpu, count: int, start: datetime = START, **metrics: Any) -> list[datetime]:
    """`count` samples, a second apart, whose `power_draw` is their number; returns their times."""
    times = [start + timedelta(seconds=number) for number in range(count)]
    _make_partitions(times)
    rows = [
        {"gpu": gpu, "timestamp": at, **({"power_draw": float(number)} | metrics)}
        for number, at in enumerate(times)
    ]
    Sample.objects.bulk_create([Sample(**row) for row in rows])
    LatestSample.objects.filter(gpu=gpu).delete()
    LatestSample.objects.create(**rows[-1], sample_count=Sample.objects.filter(gpu=gpu).count())
    return times


def _make_partitions(times: list[datetime]) -> None:
    """What an earlier test made is gone with its transaction, so nothing may be remembered."""
    partitions.forget()
    partitions.ensure({at.date() for at in times})
    partitions.forget()
