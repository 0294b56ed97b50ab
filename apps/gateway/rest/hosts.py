"""The hosts: the list, one of them, and the GPUs of one."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.openapi import (
    document_parameters,
    invalid_parameter_response,
    path_parameter,
    problem_response,
)
from apps.gateway.parameters import (
    Cluster,
    GpuState,
    Hostname,
    Limit,
    Offset,
    Parameters,
    read_parameters,
)
from apps.gateway.problems import InvalidParameter
from apps.gateway.rest.examples import GPU, HOST, HOSTNAME, page_example
from apps.gateway.rest.gpus import GPU_FIELDS
from apps.gateway.rest.kept import Answer, for_now, kept_response
from apps.gateway.rest.pages import object_answer, offset_answer
from apps.gateway.rest.schemas import GpuPageSerializer, HostPageSerializer, HostSerializer
from apps.telemetry import queries

HOST_FIELDS = {
    "hostname": "hostname",
    "cluster": "cluster__slug",
    "gpu_count": "gpu_count",
    "first_seen_at": "first_seen_at",
    "last_seen_at": "last_seen_at",
    "reporting_count": "reporting_count",
    "state": "state",
}
HOSTNAME_PARAMETER = path_parameter("hostname", "The host's name, complete.", HOSTNAME)
UNKNOWN_HOST = problem_response(404, "No host of this name has ever reported.")


class HostListParameters(Parameters):
    """Filters of the list; all of them must match."""

    cluster: Cluster | None = None
    hostname: Hostname | None = None
    state: GpuState | None = None
    limit: Limit = 100
    offset: Offset = 0


class HostParameters(Parameters):
    """Which of several hosts; `cluster` is for a hostname that several clusters have."""

    cluster: Cluster | None = None


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
    def get(self, request: Request) -> HttpResponseBase:
        """Answer one page."""
        given = read_parameters(request.query_params, HostListParameters)
        filters = {
            "cluster__slug": given.cluster,
            "hostname": given.hostname,
            "state": given.state,
        }
        filters = {name: value for name, value in filters.items() if value is not None}
        found = queries.hosts(clusters=principal_of(request).clusters).filter(**filters)
        return kept_response(
            request,
            lambda: for_now(offset_answer(request, found, HOST_FIELDS, given.limit, given.offset)),
        )


class HostView(APIView):
    """One host."""

    @extend_schema(
        operation_id="get_host",
        summary="Get a host",
        description="How many GPUs it has, how many of them report, and when one was last heard.",
        tags=["fleet"],
        parameters=[HOSTNAME_PARAMETER, *document_parameters(HostParameters)],
        responses={
            200: HostSerializer,
            **UNKNOWN_HOST,
            **invalid_parameter_response(
                "cluster",
                "the clusters east, west have a host host-1 each; say which.",
                "/api/v1/hosts/host-1",
            ),
        },
        examples=[OpenApiExample("host", HOST, status_codes=["200"])],
    )
    def get(self, request: Request, hostname: str) -> HttpResponseBase:
        """Answer the host."""
        given = read_parameters(request.query_params, HostParameters)
        found = queries.hosts(clusters=principal_of(request).clusters).filter(hostname=hostname)
        if given.cluster is not None:
            found = found.filter(cluster__slug=given.cluster)
        return kept_response(request, lambda: _only(found, hostname))


class HostGpusView(APIView):
    """The GPUs of one host."""

    @extend_schema(
        operation_id="list_host_gpus",
        summary="List a host's GPUs",
        description="By index.",
        tags=["fleet"],
        parameters=[HOSTNAME_PARAMETER, *document_parameters(HostGpusParameters)],
        responses={200: GpuPageSerializer, **UNKNOWN_HOST},
        examples=[page_example("GPUs", 8, f"hosts/{HOSTNAME}/gpus?limit=1&offset=1", GPU)],
    )
    def get(self, request: Request, hostname: str) -> HttpResponseBase:
        """Answer one page."""
        given = read_parameters(request.query_params, HostGpusParameters)
        found = queries.gpus(clusters=principal_of(request).clusters).filter(
            host__hostname=hostname
        )
        if given.cluster is not None:
            found = found.filter(host__cluster__slug=given.cluster)

        def make() -> Answer:
            if not found.exists():
                raise NotFound(_unknown(hostname))
            return for_now(offset_answer(request, found, GPU_FIELDS, given.limit, given.offset))

        return kept_response(request, make)


def _only(found: QuerySet[Any], hostname: str) -> Answer:
    """The host, if there is one of that name and not several."""
    slugs = found.values_list("cluster__slug", flat=True)[:10]
    if len(slugs) > 1:
        clusters = ", ".join(slugs)
        raise InvalidParameter(
            "cluster", f"the clusters {clusters} have a host {hostname} each; say which."
        )
    return for_now(object_answer(found, HOST_FIELDS, _unknown(hostname)))


def _unknown(hostname: str) -> str:
    return f"No host {hostname} has reported; /api/v1/hosts lists those that have."
