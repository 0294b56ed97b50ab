"""Admin of uploads: how far each is, and the two things that can be done with one."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from apps.telemetry import uploads
from apps.telemetry.admin.columns import NOTHING, Styled, utc
from apps.telemetry.models import Upload
from apps.telemetry.models.upload import MAX_GPUS


@admin.register(Upload)
class UploadAdmin(Styled, admin.ModelAdmin):
    """Read, cancel and retry; the API alone adds."""

    list_display = [
        "filename", "state", "progress", "size", "rows", "rows_rejected", "records_published",
        "stored", "created_by", "created",
    ]  # fmt: skip
    list_filter = ["state", "cluster", "created_at"]
    search_fields = ["filename", "sha256"]
    search_help_text = "file name, or SHA-256"
    actions = ["cancel", "retry"]
    exclude = [
        "rejections",
        "gpus",
        "offset_bytes",
        "bytes_done",
        "published_until_ns",
        "storage_name",
    ]
    readonly_fields = ["progress", "in_fleet", "rejected"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upload]:
        """Uploads without what only the page of one shows."""
        return super().get_queryset(request).defer("rejections", "gpus")

    @admin.display(description="streamed")
    def progress(self, upload: Upload) -> str:
        """How much of the file is in the queue or past it."""
        return f"{upload.percent:g} %"

    @admin.display(ordering="size_bytes")
    def size(self, upload: Upload) -> str:
        """The file's size, for people."""
        return filesizeformat(upload.size_bytes)

    @admin.display(description="stored", ordering="stored_at")
    def stored(self, upload: Upload) -> str:
        """When the queue was seen to hold none of it."""
        return utc(upload.stored_at)

    @admin.display(description="time (UTC)", ordering="created_at")
    def created(self, upload: Upload) -> str:
        """When it arrived."""
        return utc(upload.created_at)

    @admin.display(description="GPUs")
    def in_fleet(self, upload: Upload) -> str:
        """A link to the fleet with these alone, as the file left it."""
        if not upload.last_sample_at:
            return NOTHING
        query = urlencode({"upload": upload.pk, "at": upload.last_sample_at.isoformat()})
        number = len(upload.gpus)
        text = f"{number} in the fleet" if number < MAX_GPUS else f"{number} or more, in the fleet"
        return format_html('<a href="{}?{}">{}</a>', reverse("fleet"), query, text)

    @admin.display(description="first rejected rows")
    def rejected(self, upload: Upload) -> str:
        """Line and reason of each."""
        rows = [(row["line"], row["reason"]) for row in upload.rejections]
        return format_html_join("\n", "{}: {}<br>", rows) or NOTHING

    def has_add_permission(self, *_: Any) -> bool:
        """The API alone adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Actions on the list are for those who may, and no field of an upload is edited."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, *_: Any) -> bool:
        """What was taken in stays known: the same content would be streamed again."""
        return False

    @admin.action(description="Cancel selected uploads", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """Streamed no further, within a second."""
        self._act(request, queryset, uploads.cancel, "cancelled")

    @admin.action(description="Retry selected uploads", permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """Waiting for a streamer again."""
        self._act(request, queryset, uploads.retry, "waiting or on their way")

    def _act(
        self,
        request: HttpRequest,
        queryset: QuerySet[Upload],
        step: Callable[[UUID], bool],
        words: str,
    ) -> None:
        done = [step(upload_id) for upload_id in queryset.values_list("pk", flat=True)]
        if any(done):
            self.message_user(request, f"{sum(done)} uploads are {words}.")
        if not all(done):
            text = f"{done.count(False)} uploads are in no state for that."
            self.message_user(request, text, messages.WARNING)
