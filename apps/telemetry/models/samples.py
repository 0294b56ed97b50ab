"""What GPUs reported: the samples, and the latest of each GPU.

Written by apps/telemetry/ingest alone.
"""

from django.db import models
from django.db.models import Func, TextField
from django.db.models.functions import Cast

from apps.telemetry.models.fields import RealField
from apps.telemetry.models.inventory import Gpu
from apps.telemetry.models.metric_columns import MetricColumns

# The number of the transaction that writes; 64 bits, so that it never comes round again.
THIS_TRANSACTION = Cast(
    Cast(Func(function="pg_current_xact_id"), TextField()), models.BigIntegerField()
)


class Sample(MetricColumns):
    """One GPU at one instant. The key makes a record that arrives twice one row.

    Partitioned by UTC day of `timestamp` (apps/telemetry/partitions.py). There is no foreign key
    in the database: checking it costs more than storing the row. The one of LatestSample, written
    in the same transaction, guards both.
    """

    pk = models.CompositePrimaryKey("gpu_id", "timestamp")
    gpu = models.ForeignKey(
        Gpu,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="samples",
    )
    timestamp = models.DateTimeField()


class LatestSample(MetricColumns):
    """The newest sample of each GPU, so that the fleet view never touches history.

    `sample_count` is the number of the GPU's rows in the table of samples: counting ten thousand
    of them costs more than reading a page. Whoever drops or restores a partition corrects it in
    the same transaction.

    `changed_in` is the transaction that brought the sample, which a late one does not: readers that
    follow the changes compare it with what their last snapshot saw. No index, or updates would no
    longer stay in their page.

    `interval_s` is how often the GPU reports: the smoothed time between its samples, NULL until a
    second batch.
    """

    gpu = models.OneToOneField(
        Gpu, on_delete=models.CASCADE, primary_key=True, related_name="latest"
    )
    timestamp = models.DateTimeField()
    sample_count = models.BigIntegerField(db_default=0)
    changed_in = models.BigIntegerField(db_default=THIS_TRANSACTION, editable=False)
    interval_s = RealField(null=True, editable=False)
