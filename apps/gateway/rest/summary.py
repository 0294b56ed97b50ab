"""What the metrics of a GPU were over a window: least, mean, most, percentiles, last."""

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.openapi import document_parameters, invalid_parameter_response
from apps.gateway.parameters import End, Metrics, Parameters, Start, read_parameters
from apps.gateway.problems import InvalidParameter
from apps.gateway.rest.examples import SUMMARY, UUID
from apps.gateway.rest.gpus import UNKNOWN_GPU, UUID_PARAMETER, unknown_gpu
from apps.gateway.rest.schemas import SummarySerializer
from apps.gateway.times import format_time
from apps.telemetry import queries
from apps.telemetry.metrics import METRIC_NAMES
from apps.telemetry.queries import GpuChoice


class SummaryParameters(Parameters):
    """The window, and of which metrics."""

    start_time: Start | None = None
    end_time: End | None = None
    metrics: Metrics | None = None


class GpuSummaryView(APIView):
    """The summary of one GPU."""

    @extend_schema(
        operation_id="get_gpu_telemetry_summary",
        summary="Summarise a GPU's telemetry",
        description=(
            "Each metric over the samples with `start_time` ≤ `timestamp` ≤ `end_time`, of which "
            f"there may be {queries.MAX_AGGREGATED:,}. Percentiles are interpolated."
        ),
        tags=["telemetry"],
        parameters=[UUID_PARAMETER, *document_parameters(SummaryParameters)],
        responses={
            200: SummarySerializer,
            **invalid_parameter_response(
                "start_time",
                "it is after `end_time`.",
                f"/api/v1/gpus/{UUID}/telemetry/summary?start_time=now&end_time=now-5m",
            ),
            **UNKNOWN_GPU,
        },
        examples=[OpenApiExample("summary", SUMMARY, status_codes=["200"])],
    )
    def get(self, request: Request, uuid: str) -> HttpResponse:
        """Answer the summary."""
        given = read_parameters(request.query_params, SummaryParameters)
        start = given.start_time.at if given.start_time else None
        end = given.end_time.at if given.end_time else None
        if start and end and start > end:
            raise InvalidParameter("start_time", "it is after `end_time`.")
        choice = GpuChoice(uuid=uuid, clusters=principal_of(request).clusters)
        bound = queries.MAX_AGGREGATED
        if queries.extent(choice, start=start, end=end, at_most=bound + 1).samples > bound:
            raise InvalidParameter(
                "start_time", f"the window holds more than {bound:,} samples; narrow it."
            )
        metrics = given.metrics.names if given.metrics else METRIC_NAMES
        found = queries.summaries(
            [uuid], start=start, end=end, metrics=metrics, clusters=choice.clusters
        )
        if uuid not in found:
            raise NotFound(unknown_gpu(uuid))
        body = {
            "uuid": uuid,
            "start_time": format_time(start) if start else None,
            "end_time": format_time(end) if end else None,
            "metrics": found[uuid],
        }
        return HttpResponse(msgspec.json.encode(body), content_type="application/json")
