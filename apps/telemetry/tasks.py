"""The periodic tasks of the tables; each is also a management command."""

from datetime import UTC, datetime, timedelta

from apps.telemetry import partitions, rollups
from apps.telemetry.periodic import periodic

# Today's and these: a weekend without tasks costs the collectors nothing.
DAYS_AHEAD = 3


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
