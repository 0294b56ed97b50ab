"""Archives the days that are over: the periodic work of the archive."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from apps.telemetry import rollups
from apps.telemetry.archive.failures import ArchiveFailed
from apps.telemetry.archive.turn import our_turn
from apps.telemetry.archive.watch import last_change
from apps.telemetry.clocks import earlier_now
from apps.telemetry.models.archived import ArchivedDay
from apps.telemetry.partition_list import attached
from apps.telemetry.partitions import TABLE
from apps.telemetry.short_lock import TableBusy

# Streamers and collectors that lag, or a queue that drains after an outage, are done with a day by
# then; what comes later still is late data, for which the day is archived again.
MARGIN = timedelta(hours=2)

IsComplete = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class DayDone:
    """What became of a day: how many samples of it are archived, or why it is not."""

    day: date
    rows: int = 0
    bytes: int = 0
    error: str = ""


def days_to_archive(
    now: datetime, margin: timedelta = MARGIN, is_complete: IsComplete = rollups.is_complete
) -> Iterator[date]:
    """Closed days whose partition the archive does not have as it is, oldest first.

    A day that still changes waits until nothing came for `margin`; `is_complete` says whether
    whatever else has to be made from it is made.
    """
    from apps.telemetry.archive.day import is_current  # noqa: PLC0415, needs pyarrow

    for partition in attached(TABLE):
        if partition.end + margin > now:
            continue
        day = partition.day
        changed_at = last_change(day)
        is_quiet = changed_at is None or changed_at + margin <= now
        if is_quiet and not is_current(day) and is_complete(day):
            yield day


def archive_closed_days(
    now: datetime | None = None,
    *,
    margin: timedelta = MARGIN,
    is_complete: IsComplete = rollups.is_complete,
) -> list[DayDone]:
    """Archive every day that `days_to_archive` names; one that fails holds up no other.

    Harmless to interrupt and to run again. Raises NotOurTurn.
    """
    with our_turn():
        days = list(days_to_archive(now or earlier_now(), margin, is_complete))
        return [archive_one(day) for day in days]


def archive_one(day: date, progress: Callable[[int], None] | None = None) -> DayDone:
    """Archive a day, in our turn; an error that concerns it alone is told, not raised."""
    from apps.telemetry.archive.day import archive_day  # noqa: PLC0415, needs pyarrow

    try:
        entries: list[ArchivedDay] = archive_day(day, progress)
    except (ArchiveFailed, TableBusy, OSError) as error:
        return DayDone(day, error=str(error))
    return DayDone(day, sum(one.rows for one in entries), sum(one.bytes for one in entries))
