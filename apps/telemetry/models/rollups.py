"""Roll-ups, what is still to be rolled up, and how far they are complete.

Written by apps/telemetry/rollups alone, except for the marks, which ingest stores with its samples.
"""

from django.db import models

from apps.telemetry.models.inventory import Gpu


class Rollup(models.Model):
    """What the samples of a GPU amount to over the bucket that starts at `timestamp`.

    The table has more columns: a handful per metric, listed in apps/telemetry/rollups/columns.py.
    """

    pk = models.CompositePrimaryKey("gpu_id", "timestamp")
    gpu = models.ForeignKey(
        Gpu, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    timestamp = models.DateTimeField()
    count = models.IntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    power_energy_wh = models.FloatField(null=True)

    class Meta:
        abstract = True


class MinuteRollup(Rollup):
    """Per minute; partitioned by day."""

    class Meta:
        db_table = "telemetry_rollup_1m"


class HourRollup(Rollup):
    """Per hour, made of the minutes; partitioned by month."""

    class Meta:
        db_table = "telemetry_rollup_1h"


class Touched(models.Model):
    """A mark: these GPUs (`gpu_ids`, ranges of keys) got data there that is not rolled up yet.

    Rows are only ever added and taken away whole, and many may name one bucket. So writers do not
    wait for each other; Django needs a key, and lists no such rows.
    """

    bucket = models.DateTimeField(primary_key=True)

    class Meta:
        abstract = True


class TouchedMinute(Touched):
    """Stored in the transaction that stores the samples."""

    class Meta:
        db_table = "telemetry_touched_1m"


class TouchedHour(Touched):
    """Stored in the transaction that stores the minutes."""

    class Meta:
        db_table = "telemetry_touched_1h"


class RollupWatermark(models.Model):
    """Every bucket that ends by `complete_until` is rolled up, but for those that a mark names."""

    resolution = models.CharField(max_length=8, primary_key=True)
    complete_until = models.DateTimeField()


class SealedDay(models.Model):
    """A day (UTC) whose samples have left the table of samples: its roll-ups stay as they are.

    Written in the transaction that drops the partition, deleted in the one that brings it back.
    Samples that arrive later make roll-ups only where there are none.
    """

    day = models.DateField(primary_key=True)
