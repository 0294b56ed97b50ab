"""Whether the settings of the archive name a storage that can be made."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.files.storage import Storage, storages


@register
def check_storage(**_: Any) -> list[CheckMessage]:
    """Before anything starts, not at the first day's end."""
    try:
        storage = storages["archive"]
    except Exception as error:  # what a storage raises is its library's
        why = str(error) or type(error).__name__
    else:
        if isinstance(storage, Storage):
            return []
        why = f"{settings.ARCHIVE_STORAGE} is no storage of Django's"
    return [
        Error(
            f"ARCHIVE_STORAGE with ARCHIVE_STORAGE_OPTIONS cannot be used: {why}",
            hint="docs/history.md shows both for an S3 bucket; without them it is a folder.",
            id="telemetry.E003",
        )
    ]
