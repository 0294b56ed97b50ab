"""What can be done with uploads: register one that arrived, cancel it, try it again.

Each is one statement that names the states it starts from, so that a gateway and a streamer which
act at once cannot undo each other's step.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.telemetry.models import Upload
from apps.telemetry.models.upload import TO_DO, UploadState

ENDED_WITHOUT_DATA = (UploadState.FAILED, UploadState.CANCELLED)
MAX_FILENAME = 255


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that is complete in the storage."""

    id: UUID
    filename: str
    storage_name: str
    size_bytes: int
    sha256: str
    created_by: str


def register(cluster: str, file: Arrived, *, force: bool) -> tuple[Upload, bool]:
    """The upload of this file, and whether it is new.

    The same content that waits, streams or is done already is that earlier upload, unless `force`.
    One that failed or was cancelled does not stand in the way.
    """
    with transaction.atomic():
        _one_at_a_time(file.sha256)
        same = Upload.objects.filter(cluster=cluster, sha256=file.sha256)
        earlier = same.exclude(state__in=ENDED_WITHOUT_DATA).order_by("created_at").first()
        if earlier is not None and not force:
            return earlier, False
        new = Upload.objects.create(
            id=file.id,
            cluster=cluster,
            filename=file.filename[-MAX_FILENAME:],
            storage_name=file.storage_name,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            created_by=file.created_by,
            duplicate_of=earlier,
        )
    new.refresh_from_db(fields=["created_at"])
    return new, True


def cancel(upload_id: UUID) -> bool:
    """Whether the upload is cancelled now; its streamer stops within a second."""
    uploads = Upload.objects.filter(pk=upload_id)
    ended = {"state": UploadState.CANCELLED, "finished_at": timezone.now()}
    if uploads.filter(state__in=TO_DO).update(**ended):
        return True
    return uploads.filter(state=UploadState.CANCELLED).exists()


def retry(upload_id: UUID) -> bool:
    """Whether the upload waits now, or goes on already.

    One that was cancelled goes on where it was; one that failed begins again.
    """
    uploads = Upload.objects.filter(pk=upload_id)
    again = {"state": UploadState.WAITING, "finished_at": None, "error": ""}
    if uploads.filter(state=UploadState.CANCELLED).update(**again):
        return True
    from_start = {"offset_bytes": 0, "rows": 0, "rows_rejected": 0, "rejections": [],
                  "records_published": 0}  # fmt: skip
    if uploads.filter(state=UploadState.FAILED).update(**again, **from_start):
        return True
    return uploads.filter(state__in=TO_DO).exists()


def _one_at_a_time(content: str) -> None:
    """Until the transaction ends, nobody else registers this content."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [content])
