"""Uploaded CSV files: send one, see how far it is, cancel it, try it again."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from apps.gateway.access.principal import Role, principal_of
from apps.gateway.openapi import (
    document_parameters,
    invalid_parameter_response,
    path_parameter,
    problem_response,
)
from apps.gateway.parameters import Limit, Offset, Parameters, read_parameters
from apps.gateway.rest.body import Unread
from apps.gateway.rest.pages import list_response, page_url
from apps.gateway.rest.refusals import Conflict, NoRoom
from apps.gateway.rest.upload_arrival import FIELD, receive
from apps.gateway.rest.upload_schemas import (
    ARRIVED_EXAMPLE,
    DETAIL_EXAMPLE,
    EXAMPLE,
    UploadDetailSerializer,
    UploadPageSerializer,
    as_object,
    example,
)
from apps.telemetry import queries, uploads
from apps.telemetry.models import Upload
from apps.telemetry.upload_files import StorageFailed

ID_PARAMETER = path_parameter("upload_id", "The upload's id.", EXAMPLE["id"])
UNKNOWN_UPLOAD = problem_response(404, "There is no such upload.")
Force = Annotated[
    Literal["true", "false"],
    Meta(description="`true` streams content again that was uploaded before."),
]
State = Annotated[
    Literal["waiting", "streaming", "done", "failed", "cancelled"],
    Meta(description="Only uploads in this state."),
]
FORM = {
    "multipart/form-data": {
        "type": "object",
        "properties": {FIELD: {"type": "string", "format": "binary"}},
        "required": [FIELD],
    }
}


class SendParameters(Parameters):
    """How to take the file."""

    force: Force = "false"


class UploadListParameters(Parameters):
    """Which uploads."""

    state: State | None = None
    limit: Limit = 100
    offset: Offset = 0


class UploadView(APIView):
    """A view of uploads; its requests have no body but the one that sends a file."""

    write_role = Role.OPERATOR
    own_cluster = True
    parser_classes = [Unread]


class CsvUploadView(UploadView):
    """Takes a file in."""

    @extend_schema(
        operation_id="upload_csv",
        summary="Upload a CSV file",
        description=(
            "A DCGM export or one row per GPU, plain or compressed by gzip or zstd. It is stored "
            "while it arrives and refused as soon as its size or its header shows that it must be. "
            "A streamer takes it up within a second; `Location` tells how far it is. The same "
            "content again answers 200 with the earlier upload, unless that failed or was "
            "cancelled. Where a session signs in, `X-CSRFToken` must be a header."
        ),
        tags=["ingest"],
        parameters=document_parameters(SendParameters),
        request=FORM,
        responses={
            202: UploadDetailSerializer,
            200: UploadDetailSerializer,
            **problem_response(400, "There is no file, or its header is of neither layout."),
            **problem_response(413, "The file is larger than UPLOAD_MAX_BYTES."),
            **problem_response(507, "The storage does not take the file."),
        },
        examples=[
            example("arrived", ARRIVED_EXAMPLE, 202),
            example("known already", DETAIL_EXAMPLE | {"duplicate_of": EXAMPLE["id"]}, 200),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        """Store the file and answer its upload."""
        given = read_parameters(request.query_params, SendParameters)
        try:
            upload, is_new = _take_in(request, force=given.force == "true")
        except StorageFailed as error:
            raise NoRoom(f"{error}.") from error
        if is_new:
            return _answer(request, upload, 202)
        return _answer(request, upload, 200, duplicate_of=str(upload.pk))


class UploadListView(UploadView):
    """The uploads."""

    @extend_schema(
        operation_id="list_uploads",
        summary="List uploads",
        description="Newest first, without their GPUs and rejected rows.",
        tags=["ingest"],
        parameters=document_parameters(UploadListParameters),
        responses={
            200: UploadPageSerializer,
            **invalid_parameter_response(
                "state",
                "expected cancelled or done or failed or streaming or waiting, got 'new'.",
                "/api/v1/csv/uploads?state=new",
            ),
        },
        examples=[
            example(
                "uploads", {"count": 1, "next": None, "previous": None, "results": [EXAMPLE]}, 200
            )
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer one page."""
        given = read_parameters(request.query_params, UploadListParameters)
        found = queries.uploads(state=given.state, clusters=principal_of(request).clusters)
        count, end = found.count(), given.offset + given.limit
        rows = [as_object(upload, _url(request, upload)) for upload in found[given.offset : end]]
        return list_response(
            count,
            page_url(request, offset=end) if end < count else None,
            page_url(request, offset=max(0, given.offset - given.limit)) if given.offset else None,
            msgspec.json.encode(rows),
        )


class UploadDetailView(UploadView):
    """One upload."""

    @extend_schema(
        operation_id="get_upload",
        summary="Get an upload",
        description="Its state, how far it is, and the first of its GPUs and rejected rows.",
        tags=["ingest"],
        parameters=[ID_PARAMETER],
        responses={200: UploadDetailSerializer, **UNKNOWN_UPLOAD},
        examples=[example("upload", DETAIL_EXAMPLE, 200)],
    )
    def get(self, request: Request, upload_id: UUID) -> HttpResponse:
        """Answer the upload."""
        read_parameters(request.query_params, Parameters)
        return _answer(request, _find(request, upload_id), 200)


class UploadCancelView(UploadView):
    """Ends an upload before its time."""

    @extend_schema(
        operation_id="cancel_upload",
        summary="Cancel an upload",
        description="It is streamed no further, within a second; what was published stays.",
        tags=["ingest"],
        parameters=[ID_PARAMETER],
        request=None,
        responses={
            200: UploadDetailSerializer,
            **UNKNOWN_UPLOAD,
            **problem_response(409, "It is done or failed already."),
        },
        examples=[example("cancelled", DETAIL_EXAMPLE | {"state": "cancelled"}, 200)],
    )
    def post(self, request: Request, upload_id: UUID) -> HttpResponse:
        """Cancel, and answer the upload."""
        return _step(request, upload_id, uploads.cancel, "cancelled")


class UploadRetryView(UploadView):
    """Brings an upload back."""

    @extend_schema(
        operation_id="retry_upload",
        summary="Stream a failed or cancelled upload again",
        description=(
            "One that was cancelled goes on where it was, one that failed begins again. What was "
            "stored already is not stored twice."
        ),
        tags=["ingest"],
        parameters=[ID_PARAMETER],
        request=None,
        responses={
            200: UploadDetailSerializer,
            **UNKNOWN_UPLOAD,
            **problem_response(409, "It is done already; upload the file again with `force=true`."),
        },
        examples=[example("waiting", ARRIVED_EXAMPLE, 200)],
    )
    def post(self, request: Request, upload_id: UUID) -> HttpResponse:
        """Let it wait, and answer the upload."""
        return _step(request, upload_id, uploads.retry, "tried again")


def _take_in(request: Request, *, force: bool) -> tuple[Upload, bool]:
    """The upload of the request's file, and whether it is new."""
    with receive(request._request, settings.UPLOAD_MAX_BYTES) as file:
        arrived = uploads.Arrived(
            file.id, file.filename, file.keep(), file.size_bytes, file.sha256,
            principal_of(request).name,
        )  # fmt: skip
        upload, file.is_wanted = uploads.register(settings.CLUSTER_ID, arrived, force=force)
    return upload, file.is_wanted


def _find(request: Request, upload_id: UUID) -> Upload:
    upload = queries.upload(upload_id, clusters=principal_of(request).clusters)
    if upload is None:
        raise NotFound(f"There is no upload {upload_id}; /api/v1/csv/uploads lists them.")
    return upload


def _step(
    request: Request, upload_id: UUID, step: Callable[[UUID], bool], words: str
) -> HttpResponse:
    read_parameters(request.query_params, Parameters)
    _find(request, upload_id)
    possible = step(upload_id)
    upload = _find(request, upload_id)
    if not possible:
        raise Conflict(f"An upload that is {upload.state} cannot be {words}.")
    return _answer(request, upload, 200)


def _answer(request: Request, upload: Upload, status: int, **changes: Any) -> HttpResponse:
    url = _url(request, upload)
    lists = {"gpus": upload.gpus, "rejections": upload.rejections}
    body = as_object(upload, url) | lists | changes
    response = HttpResponse(
        msgspec.json.encode(body), content_type="application/json", status=status
    )
    response["Location"] = url
    return response


def _url(request: Request, upload: Upload) -> str:
    return str(reverse("csv-upload", args=[upload.pk], request=request))
