"""The roots of a query, and the schema."""

from functools import partial
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from apps.gateway.graphql.connections import ARGUMENTS, connect
from apps.gateway.graphql.fleet import (
    MODEL,
    Cluster,
    ClusterConnection,
    Host,
    HostConnection,
)
from apps.gateway.graphql.gpus import Gpu, GpuConnection
from apps.gateway.graphql.peers import Row
from apps.gateway.graphql.refusals import refusal
from apps.gateway.graphql.registry import ROWS, Metric
from apps.gateway.graphql.totals import Model, Stats, read_models, read_stats
from apps.telemetry.queries.slices import FLEET, Listing, Selection

_FILTERS = ("cluster", "hostname", "gpu_id", "uuid", "model")
CLUSTER = graphene.String(description="Slug of a cluster.")
HOSTNAME = graphene.String(description="Name of a host.")


def _list(listing: Listing, _root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Row:
    """A connection over the whole fleet."""
    filters = tuple((name, arguments[name]) for name in _FILTERS if arguments.get(name) is not None)
    if arguments.get("gpu_id") is not None and arguments.get("hostname") is None:
        detail = "gpu_id: an index repeats from host to host; give `hostname` with it."
        raise refusal(400, detail, "gpu_id")
    return connect(info.context, Selection(listing, filters=filters), arguments)[FLEET[0]]


def _gpu(root: Any, info: GraphQLResolveInfo, uuid: str) -> Row:
    found: list[Row] = _list(Listing.GPUS, root, info, uuid=uuid, first=1)["nodes"]
    if not found:
        raise refusal(404, f"No GPU {uuid[:128]} has reported; `gpus` lists those that have.")
    return found[0]


def _cluster(root: Any, info: GraphQLResolveInfo, slug: str) -> Row:
    found: list[Row] = _list(Listing.CLUSTERS, root, info, cluster=slug, first=1)["nodes"]
    if not found:
        raise refusal(
            404, f"No cluster {slug[:128]} has reported; `clusters` lists those that have."
        )
    return found[0]


def _host(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Row:
    found: list[Row] = _list(Listing.HOSTS, root, info, **arguments, first=2)["nodes"]
    name = arguments["hostname"][:253]
    if not found:
        raise refusal(404, f"No host {name} has reported; `hosts` lists those that have.")
    if len(found) > 1:
        raise refusal(400, f"cluster: several clusters have a host {name}; say which.", "cluster")
    return found[0]


class Query(graphene.ObjectType):
    """The fleet and its telemetry."""

    clusters = graphene.Field(
        ClusterConnection,
        required=True,
        cluster=CLUSTER,
        **ARGUMENTS,
        description="By slug; 10 if neither `first` nor `last` is given.",
    )
    cluster = graphene.Field(
        Cluster, slug=graphene.String(required=True), description="One cluster."
    )
    hosts = graphene.Field(
        HostConnection,
        required=True,
        cluster=CLUSTER,
        hostname=HOSTNAME,
        **ARGUMENTS,
        description="By cluster and name.",
    )
    host = graphene.Field(
        Host,
        hostname=graphene.String(required=True),
        cluster=CLUSTER,
        description="One host; `cluster` where several have one of this name.",
    )
    gpus = graphene.Field(
        GpuConnection,
        required=True,
        cluster=CLUSTER,
        hostname=HOSTNAME,
        gpu_id=graphene.Int(description="Index within a host; only with `hostname`."),
        uuid=graphene.String(description="UUID of a GPU."),
        model=MODEL,
        **ARGUMENTS,
        description="By cluster, host, index and UUID; all filters must match.",
    )
    gpu = graphene.Field(Gpu, uuid=graphene.String(required=True), description="One GPU.")
    metrics = graphene.List(
        graphene.NonNull(Metric), required=True, description="What GPUs can report."
    )
    models = graphene.List(
        graphene.NonNull(Model),
        required=True,
        cluster=CLUSTER,
        description="The models of GPU that the fleet has, by name.",
    )
    stats = graphene.Field(
        Stats, required=True, cluster=CLUSTER, description="What the fleet amounts to now."
    )

    resolve_models = staticmethod(read_models)
    resolve_stats = staticmethod(read_stats)
    resolve_clusters = staticmethod(partial(_list, Listing.CLUSTERS))
    resolve_hosts = staticmethod(partial(_list, Listing.HOSTS))
    resolve_gpus = staticmethod(partial(_list, Listing.GPUS))
    resolve_cluster = staticmethod(_cluster)
    resolve_host = staticmethod(_host)
    resolve_gpu = staticmethod(_gpu)

    @staticmethod
    def resolve_metrics(_root: Any, _info: GraphQLResolveInfo) -> list[Row]:
        """The registry, which is the same for everybody."""
        return ROWS


SCHEMA = graphene.Schema(query=Query, auto_camelcase=False)
