"""Records from any program, straight into the queue."""

from typing import Annotated, Any, Literal

import msgspec
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from msgspec import Meta
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import Role
from apps.gateway.openapi import document_parameters, problem_response
from apps.gateway.parameters import Parameters, read_parameters
from apps.gateway.problems import problem
from apps.gateway.rest.body import Unread
from apps.gateway.rest.ingest_body import JSON, NDJSON, read_messages
from apps.gateway.rest.ingest_queue import ingest_queue
from apps.mq import Message
from apps.telemetry import intake
from telemetry_project.queue import queue_config

INVALID_RECORDS = "urn:problem-type:invalid-records"
LISTED = 100
RECORD = {
    "timestamp": "2025-07-18T20:42:34Z",
    "gpu_id": 0,
    "hostname": "mtv5-dgx1-hgpu-031",
    "uuid": "GPU-5fd4f087-86f3-7a43-b711-4771313afc50",
    "gpu_utilization": 97,
    "power_draw": 412.5,
}

Partial = Annotated[
    Literal["true", "false"],
    Meta(description="`true` publishes the valid records where others are not."),
]


class IngestParameters(Parameters):
    """How strict to be."""

    partial: Partial = "false"


class IngestRejectionSerializer(serializers.Serializer[None]):
    """A record that was not taken."""

    index = serializers.IntegerField(help_text="Its place in the request, from 0.")
    reason = serializers.CharField()


class IngestedSerializer(serializers.Serializer[None]):
    """What was taken."""

    accepted = serializers.IntegerField(help_text="Records that etcd has acknowledged.")
    rejected = serializers.IntegerField(help_text="Records that are not valid.")
    errors = IngestRejectionSerializer(  # type: ignore[assignment]  # a field, not the property
        many=True, help_text="The first 100 of them."
    )


class IngestView(APIView):
    """Takes records in."""

    write_role = Role.OPERATOR
    own_cluster = True
    parser_classes = [Unread]

    @extend_schema(
        operation_id="ingest",
        summary="Send records",
        description=(
            "Records in the format of the queue's messages, as a JSON array or one per line "
            "(NDJSON), optionally with `Content-Encoding: gzip`. 202 comes when etcd has them, "
            "after which they are stored whatever dies. If one is not valid none is published, "
            "and 400 lists which and why; `partial=true` publishes the others. What is sent again "
            "is not stored twice, so 429 and 503 may be answered by sending the same once more. "
            "Where a session signs in, `X-CSRFToken` must be a header."
        ),
        tags=["ingest"],
        parameters=document_parameters(IngestParameters),
        request={
            JSON: {"type": "array", "items": {"type": "object", "examples": [RECORD]}},
            NDJSON: {"type": "string", "examples": [msgspec.json.encode(RECORD).decode() + "\n"]},
        },
        responses={
            202: IngestedSerializer,
            **problem_response(400, "A record or the body is not valid; `errors` says where."),
            **problem_response(413, "The body is larger than INGEST_MAX_BYTES."),
            **problem_response(429, "The collectors are behind; `Retry-After` says when."),
            **problem_response(503, "etcd does not answer; `Retry-After` says when."),
        },
        examples=[
            OpenApiExample(
                "accepted", {"accepted": 1000, "rejected": 0, "errors": []}, status_codes=["202"]
            )
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        """Publish, and answer how many."""
        given = read_parameters(request.query_params, IngestParameters)
        messages = read_messages(request._request, settings.INGEST_MAX_BYTES)
        found = intake.check(messages, settings.SAMPLE_MIN_TIME)
        counts = {"rejected": len(found.rejections), "errors": _listed(found.rejections)}
        if found.rejections and (given.partial == "false" or not found.accepted):
            detail = (
                f"{len(found.rejections)} of {len(messages)} records are not valid, and none is"
                " published; `partial=true` publishes the others."
            )
            return problem(
                request._request, 400, detail, type=INVALID_RECORDS, accepted=0, **counts
            )
        queue = ingest_queue(queue_config(), settings.INGEST_TIMEOUT_S)
        queue.publish([Message(*record) for record in found.accepted])
        body = msgspec.json.encode({"accepted": len(found.accepted)} | counts)
        return HttpResponse(body, content_type="application/json", status=202)


def _listed(rejections: list[tuple[int, str]]) -> list[dict[str, Any]]:
    return [{"index": index, "reason": reason} for index, reason in rejections[:LISTED]]
