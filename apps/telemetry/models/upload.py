"""Uploaded files: what arrived, and how far it has been streamed."""

import uuid

from django.db import models
from django.db.models.functions import Now

MAX_REJECTIONS = 100
MAX_GPUS = 1000


class UploadState(models.TextChoices):
    """Waiting and streaming are to do, the others are ends."""

    WAITING = "waiting"
    STREAMING = "streaming"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


TO_DO = (UploadState.WAITING, UploadState.STREAMING)


class Upload(models.Model):
    """One file. Streaming goes on at `offset_bytes`, 0 where the file cannot be entered elsewhere.

    What is counted has been acknowledged by the queue, in batches not newer than
    `published_until_ns`. `stored_at` is when the queue was seen to hold none of them any more.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.CharField(max_length=253)
    filename = models.CharField(max_length=255, help_text="as it was called by who sent it")
    storage_name = models.CharField(max_length=255, help_text="the file in the storage")
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField("SHA-256", max_length=64)
    state = models.CharField(
        max_length=10, choices=UploadState.choices, default=UploadState.WAITING
    )
    offset_bytes = models.BigIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0, help_text="read so far, for people")
    rows = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)
    rejections = models.JSONField(default=list, help_text="the first 100: line and reason")
    gpus = models.JSONField("GPUs", default=list, help_text="UUIDs of the first 1000")
    first_sample_at = models.DateTimeField(null=True)
    last_sample_at = models.DateTimeField(null=True)
    records_published = models.BigIntegerField(default=0)
    published_until_ns = models.BigIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=150)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    stored_at = models.DateTimeField(null=True)
    duplicate_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["-created_at", "id"]
        indexes = [
            models.Index(fields=["cluster", "sha256"], name="upload_content"),
            models.Index(fields=["-created_at", "id"], name="upload_newest"),
            models.Index(
                fields=["cluster", "created_at"],
                name="upload_to_do",
                condition=models.Q(state__in=TO_DO),
            ),
            models.Index(
                fields=["cluster"],
                name="upload_not_stored",
                condition=models.Q(finished_at__isnull=False, stored_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def percent(self) -> float:
        """How much of the file is streamed, 0 to 100."""
        if self.state == UploadState.DONE:
            return 100.0
        return min(99.9, round(100 * self.bytes_done / self.size_bytes, 1))

    @property
    def records_stored(self) -> int | None:
        """All that were published, once that can be shown; None before."""
        return self.records_published if self.stored_at else None
