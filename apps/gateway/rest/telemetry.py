"""The telemetry of one GPU."""

from typing import Annotated

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.cursors import CursorText, as_fleet_cursor, write_cursor
from apps.gateway.openapi import document_parameters, invalid_parameter_response
from apps.gateway.parameters import read_parameters
from apps.gateway.problems import InvalidParameter
from apps.gateway.rest.examples import BUCKET, SAMPLE, UUID, bucket_example, page_example
from apps.gateway.rest.file_schemas import FILES
from apps.gateway.rest.formats import Format, FormatNegotiation, format_of
from apps.gateway.rest.gpus import UNKNOWN_GPU, UUID_PARAMETER, unknown_gpu
from apps.gateway.rest.schemas import TELEMETRY_PAGE
from apps.gateway.rest.windows import (
    Window,
    WindowParameters,
    look_up,
    window_file,
    window_page,
)
from apps.telemetry import queries
from apps.telemetry.queries import Buckets, Cursor, FleetCursor, GpuChoice

CursorParameter = Annotated[
    CursorText, Meta(description="Where a page begins; copied from `next` or `previous`.")
]
NO_PAGES = "a file has no pages; leave it out."


class TelemetryParameters(WindowParameters):
    """The window, how to answer it, and which page."""

    cursor: CursorParameter | None = None


class GpuTelemetryView(APIView):
    """The samples of one GPU, or what they amount to."""

    content_negotiation_class = FormatNegotiation

    @extend_schema(
        operation_id="list_gpu_telemetry",
        summary="List a GPU's telemetry",
        description=(
            "The samples with `start_time` ≤ `timestamp` ≤ `end_time`, by time. Follow `next` for "
            "more: samples stored meanwhile make it neither skip nor repeat any. A GPU without "
            "samples in the window answers an empty list. Minutes and hours are kept; of samples "
            f"and these, no more than {queries.MAX_AGGREGATED:,} make one answer. A window of more "
            f"than {queries.MAX_EXPORTED:,} samples is no file."
        ),
        tags=["telemetry"],
        parameters=[UUID_PARAMETER, *document_parameters(TelemetryParameters)],
        responses={
            (200, "application/json"): TELEMETRY_PAGE,
            **FILES,
            **invalid_parameter_response(
                "start",
                "there is no such parameter here; there are start_time, end_time, limit, order, "
                "metrics, resolution, format, cursor.",
                f"/api/v1/gpus/{UUID}/telemetry?start=now-5m",
            ),
            **UNKNOWN_GPU,
        },
        examples=[
            page_example(
                "samples", 4, f"gpus/{UUID}/telemetry?limit=1&cursor=after-1752871354000000", SAMPLE
            ),
            bucket_example(BUCKET),
        ],
    )
    def get(self, request: Request, uuid: str) -> HttpResponseBase:
        """Answer one page, or a file."""
        given = read_parameters(request.query_params, TelemetryParameters)
        given.check()
        choice = GpuChoice(uuid=uuid, clusters=principal_of(request).clusters)
        window = look_up(choice, given, with_place=False)
        format_ = format_of(request, given.format)
        if format_ is not Format.JSON:
            if given.cursor:
                raise InvalidParameter("cursor", NO_PAGES)
            _require_known(choice)
            return window_file(window, format_, f"telemetry-{uuid}")
        cursor = given.cursor.cursor if given.cursor else None
        if window.buckets is None:
            return _samples(request, window, cursor)
        return _buckets(request, window, window.buckets, cursor)


def _samples(request: Request, window: Window, cursor: Cursor | None) -> HttpResponseBase:
    given, choice = window.given, window.choice
    assert choice.uuid is not None
    try:
        page = queries.gpu_telemetry_json(
            choice.uuid,
            **given.window,
            limit=given.page_limit,
            order=queries.Order(given.order),
            cursor=cursor,
            columns=given.columns,
            clusters=choice.clusters,
        )
    except queries.UnknownGpu as error:
        raise NotFound(unknown_gpu(choice.uuid)) from error
    cursors = (_text(page.next), _text(page.previous))
    return window_page(request, window, page.count, page.results, *cursors)


def _buckets(
    request: Request, window: Window, buckets: Buckets, cursor: Cursor | None
) -> HttpResponseBase:
    order = queries.Order(window.given.order)
    page = queries.buckets_json(
        buckets,
        limit=window.given.page_limit,
        order=order,
        cursor=as_fleet_cursor(cursor, order) if cursor else None,
    )
    if not page.count:
        _require_known(window.choice)
    cursors = (_bucket_text(page.next), _bucket_text(page.previous))
    return window_page(request, window, page.count, page.results, *cursors)


def _text(cursor: Cursor | None) -> str | None:
    return None if cursor is None else write_cursor(cursor)


def _bucket_text(cursor: FleetCursor | None) -> str | None:
    return None if cursor is None else write_cursor(Cursor(cursor.timestamp, cursor.backwards))


def _require_known(choice: GpuChoice) -> None:
    assert choice.uuid is not None
    if not queries.gpus(clusters=choice.clusters).filter(uuid=choice.uuid).exists():
        raise NotFound(unknown_gpu(choice.uuid))
