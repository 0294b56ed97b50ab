"""The archived samples that the fleet at a moment of the past is made of."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from apps.telemetry.queries.archived_count import ArchivedDays, archived_days
from apps.telemetry.queries.fleet_archived import TooManyArchived, keys_of
from apps.telemetry.queries.gpu_choice import GpuChoice

# Every row of these GPUs' day is looked at: a second of one core takes 13 million.
MAX_LOOKED_AT = 100_000_000


def newest_archived(
    choice: GpuChoice, after: datetime, at: datetime, columns: Sequence[str]
) -> str:
    """Each chosen GPU's newest sample with `after` < timestamp ≤ `at`, as the statement takes them.

    Only of days that the archive alone has. Raises TooManyArchived and ArchiveFailed.
    """
    from apps.telemetry.archive.finding import Wanted  # noqa: PLC0415, needs pyarrow
    from apps.telemetry.archive.newest import newest_samples  # noqa: PLC0415

    found = readable_days(choice, after, at)
    wanted = Wanted(found.uuids, after + timedelta.resolution, at, ["timestamp", *columns])
    newest = newest_samples([one.day for one in found.days], wanted)
    keys = keys_of(choice)
    given = [{"gpu_id": keys[uuid], **sample} for uuid, sample in newest.items() if uuid in keys]
    return msgspec.json.encode(given).decode()


def readable_days(choice: GpuChoice, after: datetime, at: datetime) -> ArchivedDays:
    """The days that the archive alone has between two moments. Raises TooManyArchived."""
    found = archived_days(choice, after, at)
    rows = sum(one.rows for one in found.days)
    if rows > MAX_LOOKED_AT:
        raise TooManyArchived(
            f"{found.days[-1].day} is in the archive with {rows:,} samples of these GPUs, and no"
            f" more than {MAX_LOOKED_AT:,} are looked through at once; choose fewer GPUs (cluster,"
            " hostname, gpu, model)."
        )
    return found
