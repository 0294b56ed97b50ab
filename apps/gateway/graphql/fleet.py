"""Clusters and hosts, with what belongs to them."""

from functools import partial

import graphene
from graphene.types.resolver import dict_resolver

from apps.gateway.graphql.connections import ARGUMENTS, Connection
from apps.gateway.graphql.gpus import GpuConnection
from apps.gateway.graphql.relatives import below, cluster_of
from apps.gateway.graphql.scalars import Count, DateTime
from apps.telemetry.queries.slices import Listing, Parent

_count = partial(graphene.Field, Count, required=True)
_first_seen_at = partial(
    graphene.Field, DateTime, required=True, description="When it was registered."
)
_last_seen_at = partial(
    graphene.Field, DateTime, description="Time of the newest sample of its GPUs."
)
MODEL = graphene.String(description="Part of the model's name, in any case.")


class Host(graphene.ObjectType):
    """A machine of a cluster."""

    class Meta:
        default_resolver = dict_resolver

    hostname = graphene.String(required=True)
    cluster = graphene.Field("apps.gateway.graphql.fleet.Cluster", required=True)
    gpu_count = _count()
    reporting_count = _count(description="Those of its GPUs that report.")
    first_seen_at = _first_seen_at()
    last_seen_at = _last_seen_at()
    state = graphene.String(required=True, description="That of its liveliest GPU.")
    gpus = graphene.Field(
        GpuConnection,
        required=True,
        gpu_id=graphene.Int(description="Index within the host."),
        model=MODEL,
        **ARGUMENTS,
        description="Its GPUs by index; 32 of each host if neither `first` nor `last` is given.",
    )
    resolve_cluster = staticmethod(cluster_of)
    resolve_gpus = staticmethod(partial(below, Listing.GPUS, Parent.HOST))


class HostConnection(Connection):
    """A page of hosts, by cluster and name."""

    class Meta:
        node = Host


class Cluster(graphene.ObjectType):
    """A fleet with its own queue."""

    class Meta:
        default_resolver = dict_resolver

    slug = graphene.String(required=True, description="Its name in filters.")
    name = graphene.String(required=True)
    host_count = _count()
    gpu_count = _count()
    first_seen_at = _first_seen_at()
    last_seen_at = _last_seen_at()
    hosts = graphene.Field(
        HostConnection,
        required=True,
        hostname=graphene.String(description="Name of a host."),
        **ARGUMENTS,
        description="Its hosts by name; 32 of each cluster if neither `first` nor `last` is given.",
    )
    gpus = graphene.Field(
        GpuConnection,
        required=True,
        model=MODEL,
        **ARGUMENTS,
        description="Its GPUs by host and index; 32 of each cluster if neither `first` nor `last`"
        " is given.",
    )
    resolve_hosts = staticmethod(partial(below, Listing.HOSTS, Parent.CLUSTER))
    resolve_gpus = staticmethod(partial(below, Listing.GPUS, Parent.CLUSTER))


class ClusterConnection(Connection):
    """A page of clusters, by slug."""

    class Meta:
        node = Cluster
