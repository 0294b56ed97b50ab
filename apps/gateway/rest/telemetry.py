"""The telemetry of one GPU."""

from typing import Annotated

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.cursors import CursorText, write_cursor
from apps.gateway.openapi import document_parameters, invalid_parameter_response
from apps.gateway.parameters import (
    End,
    Limit,
    Metrics,
    Order,
    Parameters,
    Start,
    read_parameters,
)
from apps.gateway.problems import InvalidParameter
from apps.gateway.rest.examples import SAMPLE, UUID, page_example
from apps.gateway.rest.gpus import UNKNOWN_GPU, UUID_PARAMETER
from apps.gateway.rest.pages import list_response, page_url
from apps.gateway.rest.schemas import SamplePageSerializer
from apps.telemetry import queries

CursorParameter = Annotated[
    CursorText, Meta(description="Where a page begins; copied from `next` or `previous`.")
]


class TelemetryParameters(Parameters):
    """The window, and how to answer it."""

    start_time: Start | None = None
    end_time: End | None = None
    limit: Limit = 100
    order: Order = "asc"
    metrics: Metrics | None = None
    cursor: CursorParameter | None = None


class GpuTelemetryView(APIView):
    """The samples of one GPU."""

    @extend_schema(
        operation_id="list_gpu_telemetry",
        summary="List a GPU's telemetry",
        description=(
            "The samples with `start_time` ≤ `timestamp` ≤ `end_time`, by time. Follow `next` for "
            "more: samples stored meanwhile make it neither skip nor repeat any. A GPU without "
            "samples in the window answers an empty list."
        ),
        tags=["telemetry"],
        parameters=[UUID_PARAMETER, *document_parameters(TelemetryParameters)],
        responses={
            200: SamplePageSerializer,
            **invalid_parameter_response(
                "start",
                "there is no such parameter here; there are start_time, end_time, limit, order, "
                "metrics, cursor.",
                f"/api/v1/gpus/{UUID}/telemetry?start=now-5m",
            ),
            **UNKNOWN_GPU,
        },
        examples=[
            page_example(
                "samples", 4, f"gpus/{UUID}/telemetry?limit=1&cursor=after-1752871354000000", SAMPLE
            )
        ],
    )
    def get(self, request: Request, uuid: str) -> HttpResponse:
        """Answer one page."""
        given = read_parameters(request.query_params, TelemetryParameters)
        if given.start_time and given.end_time and given.start_time.at > given.end_time.at:
            raise InvalidParameter("start_time", "it is after `end_time`.")
        try:
            page = _page(uuid, given)
        except queries.UnknownGpu as error:
            raise NotFound(
                f"No GPU {uuid} has reported; /api/v1/gpus lists those that have."
            ) from error
        return list_response(
            page.count,
            _url(request, given, page.next),
            _url(request, given, page.previous),
            page.results,
        )


def _page(uuid: str, given: TelemetryParameters) -> queries.Page:
    return queries.gpu_telemetry_json(
        uuid,
        start=given.start_time.at if given.start_time else None,
        end=given.end_time.at if given.end_time else None,
        limit=given.limit,
        order=queries.Order(given.order),
        cursor=given.cursor.cursor if given.cursor else None,
        columns=given.metrics.names if given.metrics else queries.COLUMNS,
    )


def _url(request: Request, given: TelemetryParameters, cursor: queries.Cursor | None) -> str | None:
    """The address of another page; a window relative to now must not move between pages."""
    if cursor is None:
        return None
    bounds = {"start_time": given.start_time, "end_time": given.end_time}
    fixed = {name: bound.absolute for name, bound in bounds.items() if bound}
    return page_url(request, **fixed, cursor=write_cursor(cursor))
