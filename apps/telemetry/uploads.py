"""What is done with uploads, from the one that has arrived to the one that is stored.

Each step is one statement that names the states it starts from, so that a gateway and a streamer
which act at once cannot undo each other's step.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from apps.telemetry.models import Upload
from apps.telemetry.models.upload import TO_DO, UploadState
from apps.telemetry.upload_files import remove, stored_files

ENDED_WITHOUT_DATA = (UploadState.FAILED, UploadState.CANCELLED)
MAX_FILENAME = 255
FROM_THE_START = {
    "offset_bytes": 0, "bytes_done": 0, "rows": 0, "rows_rejected": 0, "rejections": [],
    "records_published": 0, "gpus": [], "first_sample_at": None, "last_sample_at": None,
}  # fmt: skip


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
    again = {"state": UploadState.WAITING, "finished_at": None, "stored_at": None, "error": ""}
    if uploads.filter(state=UploadState.CANCELLED).update(**again):
        return True
    if uploads.filter(state=UploadState.FAILED).update(**again, **FROM_THE_START):
        return True
    return uploads.filter(state__in=TO_DO).exists()


def to_do(cluster: str) -> list[UUID]:
    """Uploads that wait, and those in somebody's hands, dead or alive; oldest first."""
    found = Upload.objects.filter(cluster=cluster, state__in=TO_DO).order_by("created_at")
    return list(found.values_list("pk", flat=True))


def take(upload_id: UUID) -> Upload | None:
    """The upload, which is streaming now, or None if there is nothing to do any more."""
    found = Upload.objects.filter(pk=upload_id, state__in=TO_DO)
    started_at = Coalesce("started_at", Now())
    if not found.update(state=UploadState.STREAMING, started_at=started_at):
        return None
    found.filter(offset_bytes=0).update(**FROM_THE_START)
    return found.first()


def unproven(cluster: str) -> list[tuple[UUID, int]]:
    """Ended uploads of which the queue may still hold records, and until when (ns) they went in."""
    found = Upload.objects.filter(cluster=cluster, finished_at__isnull=False, stored_at=None)
    return list(found.values_list("pk", "published_until_ns"))


def mark_stored(ids: Iterable[UUID]) -> None:
    """The queue was seen to hold nothing of these uploads."""
    Upload.objects.filter(pk__in=ids).update(stored_at=timezone.now())


def remove_strays(before: datetime) -> None:
    """Delete files not changed since `before` that no upload has use for any more.

    Gateways and streamers that were killed leave them. Raises StorageFailed.
    """
    needed = set(
        Upload.objects.exclude(state=UploadState.DONE).values_list("storage_name", flat=True)
    )
    for name, changed_at in stored_files():
        if name not in needed and changed_at < before:
            remove(name)


def _one_at_a_time(content: str) -> None:
    """Until the transaction ends, nobody else registers this content."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [content])
