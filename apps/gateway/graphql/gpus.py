"""A GPU: what it is, its latest sample, its telemetry and its summary."""

from functools import partial
from typing import Any

import graphene
from graphene.types.resolver import dict_resolver
from graphql import GraphQLResolveInfo

from apps.gateway.graphql.connections import Connection
from apps.gateway.graphql.peers import Row
from apps.gateway.graphql.relatives import cluster_of, host_of
from apps.gateway.graphql.samples import Sample, columns
from apps.gateway.graphql.scalars import (
    DateTime,
    End,
    MetricName,
    OrderName,
    Place,
    ResolutionName,
    Start,
)
from apps.gateway.graphql.summaries import MetricSummary, as_rows
from apps.gateway.graphql.windows import check_aggregated, resolve
from apps.telemetry.metrics import METRIC_NAMES
from apps.telemetry.queries import STEPS, Order, Resolution, quarantined, summaries
from apps.telemetry.queries.batched import Excerpt, latest_of, telemetry_of
from apps.telemetry.queries.batched_buckets import buckets_of
from apps.telemetry.queries.quarantined import MAX_LETTERS

DEFAULT_SAMPLES = 100
_text = partial(graphene.String, required=True)
_METRICS = graphene.List(graphene.NonNull(MetricName))


class Quarantined(graphene.ObjectType):
    """What of a GPU was refused and waits as dead letters."""

    class Meta:
        default_resolver = dict_resolver

    count = graphene.Int(required=True, description=f"Records, {MAX_LETTERS} at most.")
    last_at = graphene.Field(DateTime, description="Time of the newest of them.")
    last_reason = graphene.String(description="Why that one was refused.")


class Gpu(graphene.ObjectType):
    """A GPU, where it is, and what it reported."""

    class Meta:
        default_resolver = dict_resolver

    uuid = _text(description="Its address; the same wherever the GPU moves.")
    hostname = _text()
    gpu_id = graphene.Int(required=True, description="Index within the host; repeats across hosts.")
    device = _text()
    model_name = _text()
    driver_version = _text()
    pci_bus_id = _text()
    first_seen_at = graphene.Field(DateTime, required=True, description="When it was registered.")
    last_seen_at = graphene.Field(DateTime, description="Time of its newest sample.")
    state = graphene.String(
        required=True, description="`reporting`, `silent`, `lost` or `never_seen`."
    )
    host = graphene.Field("apps.gateway.graphql.fleet.Host", required=True)
    cluster = graphene.Field("apps.gateway.graphql.fleet.Cluster", required=True)
    latest = graphene.Field(Sample, description="Its newest sample, null before the first.")
    quarantined = graphene.Field(
        Quarantined, required=True, description="Its records that were refused."
    )
    telemetry = graphene.List(
        graphene.NonNull(Sample),
        required=True,
        start=Start(description="The first instant, inclusive."),
        end=End(description="The last instant, inclusive; a date means the end of that day."),
        limit=graphene.Int(description="The most samples; 1 to 10000, 100 if left out."),
        order=OrderName(),
        resolution=ResolutionName(
            description="How finely; per minute or hour a row has the mean of a gauge, the last"
            " value of any other metric, and no `extra`."
        ),
        after=Place(description="Only what comes after this `cursor` of a sample, in the order."),
        metrics=graphene.Argument(_METRICS, description="Those that `values` shall list."),
        description="The samples with `start` ≤ `timestamp` ≤ `end`, by time.",
    )
    summary = graphene.List(
        graphene.NonNull(MetricSummary),
        required=True,
        start=Start(description="The first instant, inclusive."),
        end=End(description="The last instant, inclusive; a date means the end of that day."),
        metrics=graphene.Argument(_METRICS, description="All of them if left out."),
        description="Each metric over the samples with `start` ≤ `timestamp` ≤ `end`.",
    )
    resolve_host = staticmethod(host_of)
    resolve_cluster = staticmethod(cluster_of)

    @staticmethod
    def resolve_latest(gpu: Row, info: GraphQLResolveInfo) -> Row | None:
        """The newest sample, of all peers at once."""
        reader = info.context

        def read(gpus: list[Row]) -> dict[str, Row]:
            found: dict[str, Row] = reader.read(
                latest_of, _uuids(gpus), columns=columns(info), clusters=reader.clusters
            )
            return found

        latest: Row | None = gpu["_peers"].load(info, read).get(gpu["uuid"])
        return latest

    @staticmethod
    def resolve_quarantined(gpu: Row, info: GraphQLResolveInfo) -> Row:
        """What was refused, of all peers at once."""
        reader = info.context

        def read(gpus: list[Row]) -> dict[str, Row]:
            found: dict[str, Row] = reader.read(quarantined, _uuids(gpus), clusters=reader.clusters)
            return found

        refused: Row = gpu["_peers"].load(info, read)[gpu["uuid"]]
        return refused

    @staticmethod
    def resolve_telemetry(gpu: Row, info: GraphQLResolveInfo, **arguments: Any) -> list[Row]:
        """The samples, of all peers at once."""
        samples: list[Row] = (
            gpu["_peers"]
            .load(info, lambda gpus: _telemetry(gpus, info, arguments))
            .get(gpu["uuid"], [])
        )
        return samples

    @staticmethod
    def resolve_summary(gpu: Row, info: GraphQLResolveInfo, **arguments: Any) -> list[Row]:
        """The summaries, of all peers at once."""
        found = gpu["_peers"].load(info, lambda gpus: _summaries(gpus, info, arguments))
        return as_rows(found.get(gpu["uuid"], {}))


class GpuConnection(Connection):
    """A page of GPUs, by cluster, host, index and UUID."""

    class Meta:
        node = Gpu


def _uuids(gpus: list[Row]) -> list[str]:
    return [gpu["uuid"] for gpu in gpus]


def _telemetry(
    gpus: list[Row], info: GraphQLResolveInfo, arguments: dict[str, Any]
) -> dict[str, list[Row]]:
    listed = _names(arguments)
    after = arguments.get("after")
    excerpt = Excerpt(
        **_window(arguments),
        limit=arguments.get("limit") or DEFAULT_SAMPLES,
        order=arguments["order"].value if arguments.get("order") else Order.ASC,
        after=after.cursor.timestamp if after else None,
    )
    reader, uuids = info.context, _uuids(gpus)
    asked = arguments.get("resolution") or Resolution.RAW
    resolution = resolve(reader, uuids, excerpt, asked)
    read = (
        telemetry_of
        if resolution is Resolution.RAW
        else partial(buckets_of, step=STEPS[resolution])
    )
    found: dict[str, list[Row]] = reader.read(
        read, uuids, excerpt, columns=columns(info, listed), clusters=reader.clusters
    )
    if listed is not None:
        for samples in found.values():
            for sample in samples:
                sample["_listed"] = listed
    return found


def _summaries(
    gpus: list[Row], info: GraphQLResolveInfo, arguments: dict[str, Any]
) -> dict[str, Any]:
    names = _names(arguments)
    reader, uuids, window = info.context, _uuids(gpus), _window(arguments)
    check_aggregated(reader, uuids, **window)
    found: dict[str, Any] = reader.read(
        summaries,
        uuids,
        **window,
        metrics=METRIC_NAMES if names is None else names,
        clusters=reader.clusters,
    )
    return found


def _window(arguments: dict[str, Any]) -> dict[str, Any]:
    """`start` and `end` as instants; that one is not after the other is checked before."""
    return {name: arguments[name].at if arguments.get(name) else None for name in ("start", "end")}


def _names(arguments: dict[str, Any]) -> tuple[str, ...] | None:
    chosen = arguments.get("metrics")
    return None if chosen is None else tuple(metric.value for metric in chosen)
