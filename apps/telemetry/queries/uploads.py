"""Reads of the uploads, in one statement each."""

from uuid import UUID

from django.db.models import QuerySet

from apps.telemetry.models import Upload


def uploads(*, state: str | None = None) -> QuerySet[Upload]:
    """Uploads, newest first, without their rejected rows."""
    found = Upload.objects.defer("rejections").order_by("-created_at", "id")
    return found if state is None else found.filter(state=state)


def upload(upload_id: UUID) -> Upload | None:
    """One upload with its rejected rows, or None."""
    return Upload.objects.filter(pk=upload_id).first()
