"""The shapes of the answers, for the OpenAPI document; the JSON itself is made elsewhere.

A contract test holds them against what the routes answer.
"""

from typing import Any

from rest_framework import serializers

from apps.telemetry.metrics import METRICS, Metric


class GpuSerializer(serializers.Serializer[None]):
    """A GPU, where it is, and when it was last heard."""

    uuid = serializers.CharField(help_text="Its address; the same wherever the GPU moves.")
    cluster = serializers.CharField(help_text="The cluster's slug.")
    hostname = serializers.CharField()
    gpu_id = serializers.IntegerField(help_text="Index within the host; repeats across hosts.")
    device = serializers.CharField(allow_blank=True)
    model_name = serializers.CharField(allow_blank=True)
    driver_version = serializers.CharField(allow_blank=True)
    pci_bus_id = serializers.CharField(allow_blank=True)
    first_seen_at = serializers.DateTimeField(help_text="When it was registered.")
    last_seen_at = serializers.DateTimeField(
        allow_null=True, help_text="Time of its newest sample."
    )


class HostSerializer(serializers.Serializer[None]):
    """A host, how many GPUs it has, and when one of them was last heard."""

    hostname = serializers.CharField()
    cluster = serializers.CharField(help_text="The cluster's slug.")
    gpu_count = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField(help_text="When it was registered.")
    last_seen_at = serializers.DateTimeField(
        allow_null=True, help_text="Time of the newest sample of its GPUs."
    )


class SampleSerializer(serializers.Serializer[None]):
    """One GPU at one instant; a metric that is null was not reported."""

    def get_fields(self) -> dict[str, Any]:
        """The time, every metric of the registry, and what has no column."""
        time = serializers.DateTimeField(help_text="UTC, with microseconds.")
        extra = serializers.DictField(
            allow_null=True, required=False, help_text="Every other field, under its DCGM name."
        )
        metrics = {metric.name: _metric_field(metric) for metric in METRICS}
        return {"timestamp": time, **metrics, "extra": extra}


def _metric_field(metric: Metric) -> serializers.Field[Any, Any, Any, Any]:
    """Not required: `metrics=` may leave it out."""
    kind = serializers.IntegerField if metric.is_integer else serializers.FloatField
    unit = f" in {metric.unit}" if metric.unit else ""
    text = f"{metric.description}{unit}. A {metric.kind}; DCGM field {metric.dcgm_id}."
    return kind(allow_null=True, required=False, help_text=text)


class _Page(serializers.Serializer[None]):
    next = serializers.URLField(allow_null=True, help_text="The next page, null on the last.")
    previous = serializers.URLField(allow_null=True, help_text="The page before, if any.")


class GpuPageSerializer(_Page):
    """A page of GPUs."""

    count = serializers.IntegerField(help_text="GPUs on all pages together.")
    results = GpuSerializer(many=True)


class HostPageSerializer(_Page):
    """A page of hosts."""

    count = serializers.IntegerField(help_text="Hosts on all pages together.")
    results = HostSerializer(many=True)


class SamplePageSerializer(_Page):
    """A page of samples."""

    count = serializers.IntegerField(help_text="Samples of the window on all pages together.")
    results = SampleSerializer(many=True)
