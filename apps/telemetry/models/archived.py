"""What is known of the archive: the days in it, whose history lives there alone, who is watched.

Written by apps/telemetry/archive and apps/telemetry/retention.py alone.
"""

from django.db import models

from apps.telemetry.models.inventory import Gpu


class ArchiveState(models.TextChoices):
    """Writing: not to be relied on. Verified: equal to the partition. Alone: no partition."""

    WRITING = "writing"
    VERIFIED = "verified"
    ALONE = "alone"


class ArchivedDay(models.Model):
    """One UTC day of a cluster in the archive.

    `files` lists {"name", "rows", "bytes", "first", "last"}; the last two are the first and last
    GPU in it. `checksum` is that of apps/telemetry/archive/checksum.py over the values.
    """

    cluster = models.CharField(max_length=128, help_text="the cluster's slug at that time")
    date = models.DateField()
    state = models.CharField(max_length=8, choices=ArchiveState.choices)
    files = models.JSONField(default=list)
    rows = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    checksum = models.CharField(max_length=16, blank=True, default="")
    verified_at = models.DateTimeField(null=True)
    restored_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-date", "cluster"]
        constraints = [
            models.UniqueConstraint(fields=["date", "cluster"], name="archived_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster} {self.date}"


class ArchivedCount(models.Model):
    """How many samples a GPU has on a day that lives in the archive alone."""

    pk = models.CompositePrimaryKey("gpu_id", "date")
    gpu = models.ForeignKey(
        Gpu, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    date = models.DateField(db_index=True)
    rows = models.IntegerField()


class WatchedDay(models.Model):
    """A day whose partition has a trigger that notes when anything in it changes.

    `touched_at` is NULL while the partition is as it was at `watched_at`.
    """

    date = models.DateField(primary_key=True)
    watched_at = models.DateTimeField()
    touched_at = models.DateTimeField(null=True)
