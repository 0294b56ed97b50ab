"""The shapes of the answers, for the OpenAPI document; the JSON itself is made elsewhere.

A contract test holds them against what the routes answer.
"""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from apps.telemetry.metrics import METRICS, Kind, Metric
from apps.telemetry.queries import IDLE_BELOW, MAX_COUNTED, REPORTING_MEANS, STATISTICS, Presence
from apps.telemetry.queries.quarantined import MAX_LETTERS as MAX_QUARANTINED
from apps.telemetry.status import State


def _state(of: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(
        choices=[state.value for state in State],
        help_text=f"Whether {of} reports, measured by the GPU's own interval.",
    )


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
    state = _state("it")


class QuarantinedSerializer(serializers.Serializer[None]):
    """What of a GPU was refused and waits as dead letters."""

    count = serializers.IntegerField(help_text=f"Records, {MAX_QUARANTINED} at most.")
    last_at = serializers.DateTimeField(allow_null=True, help_text="Time of the newest of them.")
    last_reason = serializers.CharField(allow_null=True, help_text="Why that one was refused.")


class GpuDetailSerializer(GpuSerializer):
    """A GPU, which metrics it reports, and what of it was refused."""

    metrics = serializers.DictField(
        child=serializers.ChoiceField(choices=[presence.value for presence in Presence]),
        help_text=(
            "For each metric: `measured`, it is in the newest sample; `blank`, not there but in one"
            " of the 100 before; `unsupported`, in none of them; `quarantined`, it was refused in a"
            " record as new as that sample or newer. Empty before the first sample."
        ),
    )
    quarantined = QuarantinedSerializer()


class HostSerializer(serializers.Serializer[None]):
    """A host, how many GPUs it has, and when one of them was last heard."""

    hostname = serializers.CharField()
    cluster = serializers.CharField(help_text="The cluster's slug.")
    gpu_count = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField(help_text="When it was registered.")
    last_seen_at = serializers.DateTimeField(
        allow_null=True, help_text="Time of the newest sample of its GPUs."
    )
    reporting_count = serializers.IntegerField(help_text="GPUs that report.")
    state = _state("its liveliest GPU")


class ClusterSerializer(serializers.Serializer[None]):
    """A cluster, how many hosts and GPUs it has, and when one of them was last heard."""

    slug = serializers.CharField(help_text="Its address.")
    name = serializers.CharField(allow_blank=True, help_text="For people; may be empty.")
    host_count = serializers.IntegerField()
    gpu_count = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField(help_text="When it was registered.")
    last_seen_at = serializers.DateTimeField(
        allow_null=True, help_text="Time of the newest sample of its GPUs."
    )


class ModelSerializer(serializers.Serializer[None]):
    """A model of GPU, and how many there are."""

    model_name = serializers.CharField(allow_blank=True)
    gpu_count = serializers.IntegerField()
    last_seen_at = serializers.DateTimeField(
        allow_null=True, help_text="Time of the newest sample of such a GPU."
    )


class StatsSerializer(serializers.Serializer[None]):
    """What the fleet amounts to now; null where no reporting GPU has the metric."""

    gpus = serializers.IntegerField(help_text="GPUs that ever reported.")
    reporting = serializers.IntegerField(help_text=f"GPUs whose {REPORTING_MEANS}.")
    silent = serializers.IntegerField(help_text="GPUs that stopped reporting a while ago.")
    lost = serializers.IntegerField(help_text="GPUs that stopped reporting long ago.")
    never_seen = serializers.IntegerField(help_text="GPUs without a sample.")
    idle = serializers.IntegerField(
        help_text=f"Reporting GPUs whose utilisation is below {IDLE_BELOW} %."
    )
    power_draw = serializers.FloatField(
        allow_null=True, help_text="Board power of all reporting GPUs, in W."
    )
    memory_used_mib = serializers.FloatField(
        allow_null=True, help_text="Frame buffer in use on all reporting GPUs, in MiB."
    )
    memory_total_mib = serializers.FloatField(
        allow_null=True, help_text="Frame buffer in use or free on all reporting GPUs, in MiB."
    )
    gpu_utilization = serializers.FloatField(
        allow_null=True, help_text="Mean of the reporting GPUs, in %."
    )
    newest_at = serializers.DateTimeField(
        allow_null=True, help_text="Time of the newest sample of all."
    )


class MetricSerializer(serializers.Serializer[None]):
    """A metric of the registry."""

    name = serializers.CharField(help_text="Its name in the API, in records and in tables.")
    dcgm_id = serializers.IntegerField(help_text="Id of its DCGM field.")
    dcgm_names = serializers.ListField(
        child=serializers.CharField(), help_text="Names of its DCGM field, the oldest first."
    )
    unit = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    is_integer = serializers.BooleanField(help_text="Whether values are whole numbers.")
    minimum = serializers.FloatField(help_text="Values below it are refused.")
    maximum = serializers.FloatField(help_text="Values above it are refused.")
    description = serializers.CharField()


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


class _Place(serializers.Serializer[None]):
    uuid = serializers.CharField(help_text="The GPU's address.")
    cluster = serializers.CharField(help_text="The cluster's slug.")
    hostname = serializers.CharField()
    gpu_id = serializers.IntegerField(help_text="Index within the host; repeats across hosts.")


class FleetSampleSerializer(_Place, SampleSerializer):
    """One GPU at one instant, and which GPU it is."""

    def get_fields(self) -> dict[str, Any]:
        """The place, then the sample."""
        return _Place().get_fields() | super().get_fields()


class LatestSerializer(_Place, SampleSerializer):
    """The newest sample of a GPU, which GPU it is, and whether it still reports."""

    def get_fields(self) -> dict[str, Any]:
        """The GPU, then the sample."""
        about = {
            "device": serializers.CharField(allow_blank=True),
            "model_name": serializers.CharField(allow_blank=True),
            "state": _state("the GPU"),
        }
        return _Place().get_fields() | about | super().get_fields()


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


class _SamplePage(_Page):
    resolution = serializers.ChoiceField(
        choices=["raw"], required=False, help_text="Where a resolution was asked for."
    )


class SamplePageSerializer(_SamplePage):
    """A page of samples."""

    count = serializers.IntegerField(help_text="Samples of the window on all pages together.")
    results = SampleSerializer(many=True)


class ClusterPageSerializer(_Page):
    """A page of clusters."""

    count = serializers.IntegerField(help_text="Clusters on all pages together.")
    results = ClusterSerializer(many=True)


class ModelPageSerializer(_Page):
    """A page of models."""

    count = serializers.IntegerField(help_text="Models on all pages together.")
    results = ModelSerializer(many=True)


class MetricPageSerializer(_Page):
    """All metrics."""

    count = serializers.IntegerField()
    results = MetricSerializer(many=True)


class FleetSamplePageSerializer(_SamplePage):
    """A page of the samples of many GPUs."""

    count = serializers.IntegerField(
        allow_null=True,
        help_text=f"Samples of the window on all pages together; null above {MAX_COUNTED:,}.",
    )
    results = FleetSampleSerializer(many=True)


class LatestPageSerializer(_Page):
    """The newest samples of all GPUs."""

    count = serializers.IntegerField(help_text="GPUs in the answer, which is never cut.")
    results = LatestSerializer(many=True)


class StatisticsSerializer(serializers.Serializer[None]):
    """A metric over a window, in its unit; all but `count` are null where it was not reported.

    Averages and percentiles are null for counters, codes and masks.
    """

    def get_fields(self) -> dict[str, Any]:
        """Each statistic, and of how many samples."""
        return {
            name: serializers.FloatField(allow_null=True) for name in STATISTICS if name != "count"
        } | {"count": serializers.IntegerField(help_text="Samples that have the metric.")}


class SummarySerializer(serializers.Serializer[None]):
    """What the metrics of a GPU were over a window."""

    uuid = serializers.CharField()
    start_time = serializers.DateTimeField(allow_null=True, help_text="As it was asked for.")
    end_time = serializers.DateTimeField(allow_null=True, help_text="As it was asked for.")
    metrics = serializers.DictField(
        child=StatisticsSerializer(), help_text="By the name of the metric."
    )


class GaugeSerializer(serializers.Serializer[None]):
    """A gauge over a bucket, in its unit."""

    min = serializers.FloatField()
    avg = serializers.FloatField()
    max = serializers.FloatField()
    last = serializers.FloatField()


class CounterSerializer(serializers.Serializer[None]):
    """A counter over a bucket; null where it was seen for the first time and once."""

    last = serializers.IntegerField()
    delta = serializers.IntegerField(
        allow_null=True, help_text="What it grew by since its last value before the bucket."
    )
    rate = serializers.FloatField(allow_null=True, help_text="The same per second.")


class MaskSerializer(serializers.Serializer[None]):
    """A bit mask over a bucket."""

    any = serializers.IntegerField(help_text="The bits that were set in any sample.")
    last = serializers.IntegerField()


class CodeSerializer(serializers.Serializer[None]):
    """A code or a flag over a bucket."""

    max = serializers.IntegerField()
    last = serializers.IntegerField()


_BUCKET_METRICS = {
    Kind.GAUGE: GaugeSerializer,
    Kind.COUNTER: CounterSerializer,
    Kind.BITMASK: MaskSerializer,
    Kind.CODE: CodeSerializer,
    Kind.FLAG: CodeSerializer,
}


class BucketSerializer(serializers.Serializer[None]):
    """What the samples of one GPU amount to in a minute or hour; null metrics were not reported."""

    def get_fields(self) -> dict[str, Any]:
        """The time, how many samples, and every metric of the registry."""
        return {
            "timestamp": serializers.DateTimeField(help_text="The start of the bucket."),
            "count": serializers.IntegerField(help_text="Samples in the bucket."),
        } | {
            metric.name: _BUCKET_METRICS[metric.kind](allow_null=True, required=False)
            for metric in METRICS
        }


class FleetBucketSerializer(BucketSerializer):
    """A bucket, and of which GPU it is."""

    def get_fields(self) -> dict[str, Any]:
        """The place, then the bucket."""
        return _Place().get_fields() | super().get_fields()


class _BucketPage(_Page):
    resolution = serializers.ChoiceField(choices=["1m", "1h"])
    count = serializers.IntegerField(help_text="Buckets of the window on all pages together.")


class BucketPageSerializer(_BucketPage):
    """A page of buckets."""

    results = BucketSerializer(many=True)


class FleetBucketPageSerializer(_BucketPage):
    """A page of the buckets of many GPUs."""

    results = FleetBucketSerializer(many=True)


TELEMETRY_PAGE = PolymorphicProxySerializer(
    component_name="TelemetryPage",
    serializers=[SamplePageSerializer, BucketPageSerializer],
    resource_type_field_name=None,
)
FLEET_TELEMETRY_PAGE = PolymorphicProxySerializer(
    component_name="FleetTelemetryPage",
    serializers=[FleetSamplePageSerializer, FleetBucketPageSerializer],
    resource_type_field_name=None,
)
