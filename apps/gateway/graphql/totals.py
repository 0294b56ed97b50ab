"""What the fleet amounts to: its totals now, and its models."""

from typing import Any

import graphene
import msgspec
from graphene.types.resolver import dict_resolver
from graphql import GraphQLResolveInfo

from apps.gateway.graphql.scalars import Count, DateTime, Number
from apps.gateway.times import format_time
from apps.telemetry import queries


class Model(graphene.ObjectType):
    """A model of GPU, and how many there are."""

    class Meta:
        default_resolver = dict_resolver

    model_name = graphene.String(required=True, description="Empty for GPUs that never said it.")
    gpu_count = graphene.Field(Count, required=True)
    last_seen_at = graphene.Field(DateTime, description="Time of the newest sample of such a GPU.")


class Stats(graphene.ObjectType):
    """What the fleet amounts to now; null where no reporting GPU has the metric."""

    class Meta:
        default_resolver = dict_resolver

    gpus = graphene.Field(Count, required=True, description="GPUs that ever reported.")
    reporting = graphene.Field(
        Count,
        required=True,
        description=f"GPUs whose {queries.REPORTING_MEANS}.",
    )
    silent = graphene.Field(Count, required=True, description="Stopped a while ago.")
    lost = graphene.Field(Count, required=True, description="Stopped long ago.")
    never_seen = graphene.Field(Count, required=True, description="Without a sample.")
    idle = graphene.Field(
        Count,
        required=True,
        description=f"Reporting GPUs whose utilisation is below {queries.IDLE_BELOW} %.",
    )
    power_draw = graphene.Field(Number, description="Of all reporting GPUs, in W.")
    memory_used_mib = graphene.Field(Number, description="On all reporting GPUs, in MiB.")
    memory_total_mib = graphene.Field(Number, description="Used or free on them, in MiB.")
    gpu_utilization = graphene.Field(Number, description="Mean of the reporting GPUs, in %.")
    newest_at = graphene.Field(DateTime, description="Time of the newest sample of all.")


def read_stats(_root: Any, info: GraphQLResolveInfo, cluster: str | None = None) -> Any:
    """The totals of one cluster, or of all that may be seen."""
    reader = info.context
    found = reader.read(queries.stats_json, cluster=cluster, clusters=reader.clusters)
    return msgspec.json.decode(found.body)


def read_models(_root: Any, info: GraphQLResolveInfo, cluster: str | None = None) -> list[Any]:
    """The models by name."""
    found = info.context.read(_models, cluster, info.context.clusters)
    return [
        row | {"last_seen_at": row["last_seen_at"] and format_time(row["last_seen_at"])}
        for row in found
    ]


def _models(cluster: str | None, clusters: frozenset[str] | None) -> list[dict[str, Any]]:
    found = queries.models(clusters=clusters)
    return list(found if cluster is None else found.filter(host__cluster__slug=cluster))
