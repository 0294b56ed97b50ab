"""The two resolutions of roll-ups, and their tables."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.telemetry.partitions import PartitionedTable, Period

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A resolution: `name` as the API has it; `slice` is the time one transaction works on.

    There are the two below, and none is another's equal.
    """

    name: str
    step: timedelta
    slice: timedelta
    partitions: PartitionedTable
    touched: str

    @property
    def table(self) -> str:
        """Holds a row per GPU and bucket, whose `timestamp` is the bucket's start."""
        return self.partitions.table

    def start_of(self, instant: datetime) -> datetime:
        """The start of the bucket that holds an instant."""
        return instant - (instant - EPOCH) % self.step


MINUTE = Level(
    "1m",
    timedelta(minutes=1),
    # Of 10,000 GPUs at one sample a second this is six million samples: about twenty seconds.
    timedelta(minutes=10),
    PartitionedTable("telemetry_rollup_1m", Period.DAY),
    "telemetry_touched_1m",
)
HOUR = Level(
    "1h",
    timedelta(hours=1),
    timedelta(hours=6),
    PartitionedTable("telemetry_rollup_1h", Period.MONTH),
    "telemetry_touched_1h",
)
