"""Reads of the uploads, in one statement each."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from apps.telemetry.models import Upload


def uploads(
    *, state: str | None = None, clusters: Collection[str] | None = None
) -> QuerySet[Upload]:
    """Uploads to `clusters` (None: to all), newest first, without their rejected rows and GPUs."""
    found = _of(clusters).defer("rejections", "gpus").order_by("-created_at", "id")
    return found if state is None else found.filter(state=state)


def upload(upload_id: UUID, *, clusters: Collection[str] | None = None) -> Upload | None:
    """One upload with its rejected rows and GPUs, or None; one to another cluster is not there."""
    return _of(clusters).filter(pk=upload_id).first()


def _of(clusters: Collection[str] | None) -> QuerySet[Upload]:
    return Upload.objects.all() if clusters is None else Upload.objects.filter(cluster__in=clusters)
