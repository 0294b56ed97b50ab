"""What is kept of the periodic tasks: how each of them went, and what waited in the queue."""

from django.db import models
from django.db.models.functions import Now


class TaskRun(models.Model):
    """How a periodic task went last. Written by apps/telemetry/periodic.py alone.

    `error` is the last failure's, also after a later success: `failed_at` says when it was.
    """

    name = models.CharField(max_length=100, primary_key=True)
    host = models.CharField(max_length=253, help_text="where it ran last")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    due_at = models.DateTimeField(null=True, help_text="empty until it has succeeded once")

    class Meta:
        verbose_name = "periodic task"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class QueueSnapshot(models.Model):
    """What waited in a cluster's queue at one moment, and who was there to take it."""

    cluster = models.CharField(max_length=253)
    taken_at = models.DateTimeField(db_default=Now(), editable=False)
    messages = models.BigIntegerField()
    oldest_age_s = models.FloatField(help_text="how long the first message has waited; 0 if none")
    collectors = models.PositiveSmallIntegerField()
    streamers = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["-taken_at", "-id"]
        indexes = [
            models.Index(fields=["cluster", "-taken_at", "-id"], name="queuesnapshot_newest")
        ]

    def __str__(self) -> str:
        return f"{self.cluster} at {self.taken_at:%Y-%m-%d %H:%M:%S}"
