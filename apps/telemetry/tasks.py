"""The periodic tasks of the tables; each is also a management command."""

import logging
from datetime import UTC, datetime, timedelta

from django.conf import settings

from apps.telemetry import partitions, retention, rollups
from apps.telemetry.archive.closed import archive_closed_days
from apps.telemetry.archive.failures import ArchiveFailed
from apps.telemetry.periodic import periodic

# Today's and these: a weekend without tasks costs the collectors nothing.
DAYS_AHEAD = 3

log = logging.getLogger(__name__)


@periodic("telemetry.make_partitions")
def make_partitions() -> None:
    """Make the sample table's partitions of today and the next days, where they are missing.

    Collectors make what is missing themselves; done ahead, none of them waits at midnight.
    """
    today = datetime.now(UTC).date()
    partitions.ensure([today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)])


@periodic("telemetry.roll_up")
def roll_up() -> None:
    """Sum up what was touched, per minute and per hour (apps/telemetry/rollups)."""
    rollups.roll_up()


@periodic("telemetry.archive")
def archive() -> None:
    """Archive the days that are over and rolled up, where ARCHIVE is on.

    Raises ArchiveFailed with what went wrong, once every day had its turn.
    """
    done = archive_closed_days() if settings.ARCHIVE else []
    if failed := [f"{one.day}: {one.error}" for one in done if one.error]:
        raise ArchiveFailed("; ".join(failed))


@periodic("telemetry.apply_retention")
def apply_retention() -> None:
    """Drop what is older than the settings say."""
    for one in retention.apply_retention():
        if one.kept:
            log.info("%s is old and stays: %s", one.partition, one.kept)
        else:
            log.info("%s was dropped, older than its retention", one.partition)
