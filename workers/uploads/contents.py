"""What an upload holds: its GPUs, and from when to when their records are."""

from collections.abc import Sequence

from apps.telemetry.models import Upload
from apps.telemetry.models.upload import MAX_GPUS
from workers.sources.draft import Draft

_UUID = b'"uuid":"'  # within the strings of a record each quote is escaped


def note(upload: Upload, drafts: Sequence[Draft]) -> None:
    """Remember the records in `upload`, which is not saved."""
    if not drafts:
        return
    times = [draft.timestamp for draft in drafts]
    upload.first_sample_at = min(filter(None, (upload.first_sample_at, min(times))))
    upload.last_sample_at = max(filter(None, (upload.last_sample_at, max(times))))
    if len(upload.gpus) < MAX_GPUS:
        found = dict.fromkeys(upload.gpus)
        found.update(dict.fromkeys(_uuid_of(draft.body) for draft in drafts))
        upload.gpus = list(found)[:MAX_GPUS]


def _uuid_of(body: bytes) -> str:
    return body.partition(_UUID)[2].partition(b'"')[0].decode()
