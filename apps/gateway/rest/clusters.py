"""The clusters: the list and one of them."""

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.openapi import document_parameters, path_parameter, problem_response
from apps.gateway.parameters import Limit, Offset, Parameters, read_parameters
from apps.gateway.rest.examples import CLUSTER, page_example
from apps.gateway.rest.kept import kept_response
from apps.gateway.rest.pages import object_answer, offset_answer
from apps.gateway.rest.schemas import ClusterPageSerializer, ClusterSerializer
from apps.telemetry import queries

CLUSTER_FIELDS = {
    "slug": "slug",
    "name": "name",
    "host_count": "host_count",
    "gpu_count": "gpu_count",
    "first_seen_at": "first_seen_at",
    "last_seen_at": "last_seen_at",
}


class ClusterListParameters(Parameters):
    """Which part of the list."""

    limit: Limit = 100
    offset: Offset = 0


class ClusterListView(APIView):
    """The clusters."""

    @extend_schema(
        operation_id="list_clusters",
        summary="List clusters",
        description="By slug.",
        tags=["fleet"],
        parameters=document_parameters(ClusterListParameters),
        responses={200: ClusterPageSerializer},
        examples=[page_example("clusters", 2, "clusters?limit=1&offset=1", CLUSTER)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer one page."""
        given = read_parameters(request.query_params, ClusterListParameters)
        found = queries.clusters(clusters=principal_of(request).clusters)
        return kept_response(
            request,
            lambda: offset_answer(request, found, CLUSTER_FIELDS, given.limit, given.offset),
        )


class ClusterView(APIView):
    """One cluster."""

    @extend_schema(
        operation_id="get_cluster",
        summary="Get a cluster",
        description="How many hosts and GPUs it has, and when one of them was last heard.",
        tags=["fleet"],
        parameters=[path_parameter("slug", "The cluster's slug.", "default")],
        responses={
            200: ClusterSerializer,
            **problem_response(404, "No cluster of this slug has ever reported."),
        },
        examples=[OpenApiExample("cluster", CLUSTER, status_codes=["200"])],
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Answer the cluster."""
        read_parameters(request.query_params, Parameters)
        found = queries.clusters(clusters=principal_of(request).clusters).filter(slug=slug)
        unknown = f"No cluster {slug} has reported; /api/v1/clusters lists those that have."
        return kept_response(request, lambda: object_answer(found, CLUSTER_FIELDS, unknown))
