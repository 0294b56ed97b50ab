"""The newest sample of every GPU."""

from typing import Annotated

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.openapi import document_parameters, invalid_parameter_response
from apps.gateway.parameters import (
    TIME,
    Cluster,
    GpuState,
    Hostname,
    Metrics,
    Model,
    Parameters,
    Uuid,
    read_parameters,
)
from apps.gateway.problems import InvalidParameter
from apps.gateway.rest.examples import LATEST, list_example
from apps.gateway.rest.export_files import file_response
from apps.gateway.rest.file_schemas import FILES
from apps.gateway.rest.formats import Format, FormatName, FormatNegotiation, format_of
from apps.gateway.rest.kept import Answer, kept_response
from apps.gateway.rest.pages import list_body
from apps.gateway.rest.schemas import LatestPageSerializer
from apps.gateway.times import StartTime
from apps.telemetry import queries
from apps.telemetry.queries import GpuChoice

LOOK_BACK = f"{queries.LOOK_BACK.total_seconds() / 60:.0f} minutes"
At = Annotated[
    StartTime,
    Meta(
        description=f"The moment to look at, now if left out: {TIME}.",
        examples=["2025-07-18T20:42:00Z"],
    ),
]


class LatestParameters(Parameters):
    """Which GPUs, and how to answer them."""

    cluster: Cluster | None = None
    hostname: Hostname | None = None
    gpu: Uuid | None = None
    model: Model | None = None
    state: GpuState | None = None
    at: At | None = None
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
            "that never sent a sample is not there. With `at`, the newest at that moment, with the "
            f"state of then, of the GPUs that had sent one in the {LOOK_BACK} before; samples that "
            "retention has taken away are not found, those that it has archived are."
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
        at = given.at.at if given.at else None
        format_ = format_of(request, given.format)

        def make() -> Answer:
            latest = queries.latest_json(choice, state=given.state, columns=columns, at=at)
            body = list_body(latest.count, None, None, latest.results)
            # `now-5m` means another moment the next time.
            return Answer(body, at if given.at and given.at.is_relative else latest.same_until)

        try:
            if format_ is not Format.JSON:
                export = queries.export_latest(choice, state=given.state, columns=columns, at=at)
                return file_response(export, format_, "latest")
            return kept_response(request, make)
        except queries.TooManyArchived as error:
            raise InvalidParameter("at", str(error)) from error
