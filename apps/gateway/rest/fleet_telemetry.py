"""The telemetry of many GPUs at once."""

from typing import Annotated

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.cursors import FleetCursorText, write_fleet_cursor
from apps.gateway.openapi import document_parameters, invalid_parameter_response
from apps.gateway.parameters import Cluster, Hostname, Model, Uuid, read_parameters
from apps.gateway.problems import InvalidParameter
from apps.gateway.rest.examples import BUCKET, FLEET_SAMPLE, PLACE, bucket_example, page_example
from apps.gateway.rest.file_schemas import FILES
from apps.gateway.rest.formats import Format, FormatNegotiation, format_of
from apps.gateway.rest.schemas import FLEET_TELEMETRY_PAGE
from apps.gateway.rest.telemetry import NO_PAGES
from apps.gateway.rest.windows import (
    Window,
    WindowParameters,
    look_up,
    window_file,
    window_page,
)
from apps.telemetry import queries
from apps.telemetry.queries import FleetCursor, FleetPage, GpuChoice

CursorParameter = Annotated[
    FleetCursorText, Meta(description="Where a page begins; copied from `next` or `previous`.")
]


class FleetTelemetryParameters(WindowParameters):
    """Which GPUs, the window, how to answer it, and which page."""

    cluster: Cluster | None = None
    hostname: Hostname | None = None
    gpu: Uuid | None = None
    model: Model | None = None
    cursor: CursorParameter | None = None


class FleetTelemetryView(APIView):
    """The samples of many GPUs, or what they amount to."""

    content_negotiation_class = FormatNegotiation

    @extend_schema(
        operation_id="list_telemetry",
        summary="List the telemetry of many GPUs",
        description=(
            "Every sample with `start_time` ≤ `timestamp` ≤ `end_time` of the GPUs that match all "
            "filters, by time; within one instant in an order that stays. Files hold samples GPU "
            "by GPU instead. Minutes and hours are kept; of samples and these, no more than "
            f"{queries.MAX_AGGREGATED:,} make one answer. A window of more than "
            f"{queries.MAX_EXPORTED:,} samples is no file."
        ),
        tags=["telemetry"],
        parameters=document_parameters(FleetTelemetryParameters),
        responses={
            (200, "application/json"): FLEET_TELEMETRY_PAGE,
            **FILES,
            **invalid_parameter_response(
                "resolution",
                f"the answer is made of more than {queries.MAX_AGGREGATED:,} samples and "
                "roll-ups, too many at once; narrow it by start_time and end_time, choose fewer "
                "GPUs or a coarser resolution.",
                "/api/v1/telemetry?resolution=1h",
            ),
        },
        examples=[
            page_example(
                "samples", 988, "telemetry?limit=1&cursor=after-1752871354000000-1", FLEET_SAMPLE
            ),
            bucket_example(PLACE | BUCKET),
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer one page, or a file."""
        given = read_parameters(request.query_params, FleetTelemetryParameters)
        given.check()
        clusters = principal_of(request).clusters
        choice = GpuChoice(given.cluster, given.hostname, given.gpu, given.model, clusters)
        window = look_up(choice, given, with_place=True)
        format_ = format_of(request, given.format)
        if format_ is Format.JSON:
            page = _page(window, given.cursor.cursor if given.cursor else None)
            cursors = (_text(page.next), _text(page.previous))
            return window_page(request, window, page.count, page.results, *cursors)
        if given.cursor:
            raise InvalidParameter("cursor", NO_PAGES)
        return window_file(window, format_, "telemetry")


def _page(window: Window, cursor: FleetCursor | None) -> FleetPage:
    given = window.given
    limit, order = given.page_limit, queries.Order(given.order)
    if window.buckets is not None:
        return queries.buckets_json(window.buckets, limit=limit, order=order, cursor=cursor)
    try:
        return queries.fleet_telemetry_json(
            window.choice,
            **given.window,
            limit=limit,
            order=order,
            cursor=cursor,
            columns=given.columns,
        )
    except queries.TooManyArchived as error:
        raise InvalidParameter("start_time", str(error)) from error


def _text(cursor: FleetCursor | None) -> str | None:
    return None if cursor is None else write_fleet_cursor(cursor)
