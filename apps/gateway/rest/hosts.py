"""The hosts: the list, and the GPUs of one."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.openapi import (
    document_parameters,
    invalid_parameter_response,
    path_parameter,
    problem_response,
)
from apps.gateway.parameters import Cluster, Hostname, Limit, Offset, Parameters, read_parameters
from apps.gateway.rest.examples import GPU, HOST, HOSTNAME, page_example
from apps.gateway.rest.gpus import GPU_FIELDS
from apps.gateway.rest.pages import offset_page
from apps.gateway.rest.schemas import GpuPageSerializer, HostPageSerializer
from apps.telemetry import queries

HOST_FIELDS = {
    "hostname": "hostname",
    "cluster": "cluster__slug",
    "gpu_count": "gpu_count",
    "first_seen_at": "first_seen_at",
    "last_seen_at": "last_seen_at",
}


class HostListParameters(Parameters):
    """Filters of the list; all of them must match."""

    cluster: Cluster | None = None
    hostname: Hostname | None = None
    limit: Limit = 100
    offset: Offset = 0


class HostGpusParameters(Parameters):
    """Filters of the list; `cluster` is for a hostname that several clusters have."""

    cluster: Cluster | None = None
    limit: Limit = 100
    offset: Offset = 0


class HostListView(APIView):
    """The hosts of the fleet."""

    @extend_schema(
        operation_id="list_hosts",
        summary="List hosts",
        description="By cluster and name.",
        tags=["fleet"],
        parameters=document_parameters(HostListParameters),
        responses={
            200: HostPageSerializer,
            **invalid_parameter_response(
                "limit",
                "expected a whole number from 1 to 10000, got '0'.",
                "/api/v1/hosts?limit=0",
            ),
        },
        examples=[page_example("hosts", 31, "hosts?limit=1&offset=1", HOST)],
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer one page."""
        given = read_parameters(request.query_params, HostListParameters)
        filters = {"cluster__slug": given.cluster, "hostname": given.hostname}
        filters = {name: value for name, value in filters.items() if value is not None}
        found = queries.hosts().filter(**filters)
        return offset_page(request, found, HOST_FIELDS, given.limit, given.offset)


class HostGpusView(APIView):
    """The GPUs of one host."""

    @extend_schema(
        operation_id="list_host_gpus",
        summary="List a host's GPUs",
        description="By index.",
        tags=["fleet"],
        parameters=[
            path_parameter("hostname", "The host's name, complete.", HOSTNAME),
            *document_parameters(HostGpusParameters),
        ],
        responses={
            200: GpuPageSerializer,
            **problem_response(404, "No host of this name has ever reported."),
        },
        examples=[page_example("GPUs", 8, f"hosts/{HOSTNAME}/gpus?limit=1&offset=1", GPU)],
    )
    def get(self, request: Request, hostname: str) -> HttpResponse:
        """Answer one page."""
        given = read_parameters(request.query_params, HostGpusParameters)
        found = queries.gpus().filter(host__hostname=hostname)
        if given.cluster is not None:
            found = found.filter(host__cluster__slug=given.cluster)
        if not found.exists():
            raise NotFound(f"No host {hostname} has reported; /api/v1/hosts lists those that have.")
        return offset_page(request, found, GPU_FIELDS, given.limit, given.offset)
