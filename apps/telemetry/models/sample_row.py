"""The table of samples as the admin can show it."""

from django.db import models

from apps.telemetry.models.inventory import Gpu
from apps.telemetry.models.metric_columns import MetricColumns


class SampleRow(MetricColumns):
    """A sample, to be listed and nothing else.

    Django's admin refuses a composite primary key, so this names `timestamp` alone as the key. It
    is unique only within a GPU: list rows, never get one by its key.
    """

    timestamp = models.DateTimeField(primary_key=True)
    gpu = models.ForeignKey(Gpu, on_delete=models.DO_NOTHING, related_name="+")

    class Meta:
        managed = False
        db_table = "telemetry_sample"
        verbose_name = "sample"
