"""The newest sample of every GPU."""

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.openapi import document_parameters, invalid_parameter_response
from apps.gateway.parameters import (
    Cluster,
    GpuState,
    Hostname,
    Metrics,
    Model,
    Parameters,
    Uuid,
    read_parameters,
)
from apps.gateway.rest.examples import LATEST, list_example
from apps.gateway.rest.export_files import file_response
from apps.gateway.rest.file_schemas import FILES
from apps.gateway.rest.formats import Format, FormatName, FormatNegotiation, format_of
from apps.gateway.rest.kept import Answer, kept_response
from apps.gateway.rest.pages import list_body
from apps.gateway.rest.schemas import LatestPageSerializer
from apps.telemetry import queries
from apps.telemetry.queries import GpuChoice


class LatestParameters(Parameters):
    """Which GPUs, and how to answer them."""

    cluster: Cluster | None = None
    hostname: Hostname | None = None
    gpu: Uuid | None = None
    model: Model | None = None
    state: GpuState | None = None
    metrics: Metrics | None = None
    format: FormatName | None = None


class LatestView(APIView):
    """The newest samples."""

    content_negotiation_class = FormatNegotiation

    @extend_schema(
        operation_id="list_latest_telemetry",
        summary="List the newest sample of each GPU",
        description=(
            "Of all GPUs that match all filters, in one answer, by cluster, host and index. A GPU "
            "that never sent a sample is not there."
        ),
        tags=["telemetry"],
        parameters=document_parameters(LatestParameters),
        responses={
            (200, "application/json"): LatestPageSerializer,
            **FILES,
            **invalid_parameter_response(
                "state",
                "expected reporting or silent, got 'lost'.",
                "/api/v1/telemetry/latest?state=lost",
            ),
        },
        examples=[list_example("newest samples", 1, LATEST)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer all of them."""
        given = read_parameters(request.query_params, LatestParameters)
        clusters = principal_of(request).clusters
        choice = GpuChoice(given.cluster, given.hostname, given.gpu, given.model, clusters)
        columns = given.metrics.names if given.metrics else queries.COLUMNS
        format_ = format_of(request, given.format)
        if format_ is not Format.JSON:
            export = queries.export_latest(choice, state=given.state, columns=columns)
            return file_response(export, format_, "latest")

        def make() -> Answer:
            latest = queries.latest_json(choice, state=given.state, columns=columns)
            return Answer(list_body(latest.count, None, None, latest.results), latest.same_until)

        return kept_response(request, make)
