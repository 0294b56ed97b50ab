"""The shape of an upload in answers and in the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from apps.gateway.rest.schemas import _Page
from apps.gateway.times import format_time
from apps.telemetry.models import Upload
from apps.telemetry.models.upload import UploadState

_ID = "0b2f6c1e-6d0c-4f0e-9a0d-2f1f3f1f9a11"


class RejectionSerializer(serializers.Serializer[None]):
    """A row that is no record."""

    line = serializers.IntegerField(help_text="Counted from 1, the header.")
    reason = serializers.CharField()


class UploadSerializer(serializers.Serializer[None]):
    """An uploaded file and how far it is streamed."""

    id = serializers.UUIDField()
    url = serializers.URLField(help_text="Where this is told again.")
    state = serializers.ChoiceField(
        [state.value for state in UploadState],
        help_text="`waiting`, `streaming`, and then `done`, `failed` or `cancelled`.",
    )
    filename = serializers.CharField(help_text="As it was called by who sent it.")
    bytes = serializers.IntegerField(help_text="Size of the file as it arrived.")
    sha256 = serializers.CharField(help_text="Of the file as it arrived, in hexadecimal.")
    duplicate_of = serializers.UUIDField(
        allow_null=True, help_text="The earlier upload of the same content."
    )
    cluster = serializers.CharField(help_text="Where it is streamed to.")
    percent = serializers.FloatField(help_text="How much of the file is streamed.")
    rows = serializers.IntegerField(help_text="Rows read, rejected ones included.")
    rows_rejected = serializers.IntegerField(help_text="Rows that are no records.")
    first_sample_at = serializers.DateTimeField(
        allow_null=True, help_text="The earliest time of its records, as far as it is streamed."
    )
    last_sample_at = serializers.DateTimeField(allow_null=True, help_text="The latest.")
    records_published = serializers.IntegerField(help_text="Acknowledged by the queue.")
    records_stored = serializers.IntegerField(
        allow_null=True,
        help_text=(
            "All that were published, once the queue holds none of them any more: stored, or kept "
            "as dead letters. Null until then."
        ),
    )
    error = serializers.CharField(allow_blank=True, help_text="Why it failed.")
    created_by = serializers.CharField(help_text="Who sent it.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    stored_at = serializers.DateTimeField(
        allow_null=True, help_text="When the queue was seen to hold none of it."
    )


class UploadDetailSerializer(UploadSerializer):
    """An upload with the first of its GPUs and of its rejected rows."""

    gpus = serializers.ListField(
        child=serializers.CharField(), help_text="The UUIDs of the first 1,000, in their order."
    )
    rejections = RejectionSerializer(many=True, help_text="The first 100.")


class UploadPageSerializer(_Page):
    """A page of uploads."""

    count = serializers.IntegerField(help_text="Uploads on all pages together.")
    results = UploadSerializer(many=True)


EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "url": f"http://127.0.0.1:8000/api/v1/csv/uploads/{_ID}",
    "state": "done",
    "filename": "dcgm_metrics_20250718_134233.csv",
    "bytes": 1_039_411,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "duplicate_of": None,
    "cluster": "default",
    "percent": 100.0,
    "rows": 2470,
    "rows_rejected": 1,
    "first_sample_at": "2025-07-18T20:42:34.000000Z",
    "last_sample_at": "2025-07-18T20:42:37.000000Z",
    "records_published": 988,
    "records_stored": 988,
    "error": "",
    "created_by": "admin",
    "created_at": "2025-07-18T20:50:00.000000Z",
    "started_at": "2025-07-18T20:50:00.310000Z",
    "finished_at": "2025-07-18T20:50:00.420000Z",
    "stored_at": "2025-07-18T20:50:01.010000Z",
}
DETAIL_EXAMPLE = EXAMPLE | {
    "gpus": ["GPU-5fd4f087-86f3-7a43-b711-4771313afc50"],
    "rejections": [{"line": 17, "reason": "value: 'n/a' is not a number"}],
}
PAGE_EXAMPLE = {"count": 1, "next": None, "previous": None, "results": [EXAMPLE]}
ARRIVED_EXAMPLE = EXAMPLE | {
    "state": "waiting", "percent": 0.0, "rows": 0, "rows_rejected": 0, "records_published": 0,
    "first_sample_at": None, "last_sample_at": None, "records_stored": None, "started_at": None,
    "finished_at": None, "stored_at": None,
    "gpus": [], "rejections": [],
}  # fmt: skip


def example(name: str, body: dict[str, Any], status: int) -> OpenApiExample:
    """An example of one answer."""
    return OpenApiExample(name, body, status_codes=[str(status)])


def as_object(upload: Upload, url: str) -> dict[str, Any]:
    """An upload as UploadSerializer describes it."""
    times = (
        "first_sample_at", "last_sample_at", "created_at", "started_at", "finished_at", "stored_at",
    )  # fmt: skip
    return {
        "id": str(upload.pk),
        "url": url,
        "state": upload.state,
        "filename": upload.filename,
        "bytes": upload.size_bytes,
        "sha256": upload.sha256,
        "duplicate_of": upload.duplicate_of_id and str(upload.duplicate_of_id),
        "cluster": upload.cluster,
        "percent": upload.percent,
        "rows": upload.rows,
        "rows_rejected": upload.rows_rejected,
        "records_published": upload.records_published,
        "records_stored": upload.records_stored,
        "error": upload.error,
        "created_by": upload.created_by,
        **{name: (at := getattr(upload, name)) and format_time(at) for name in times},
    }
