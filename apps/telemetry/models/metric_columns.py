"""One nullable column per metric of the registry, shared by every table of samples.

Written out so that editors, type checkers and readers see them; a test holds this list, the record
and the registry together.
"""

from django.db import models

from apps.telemetry.models.fields import RealField


class MetricColumns(models.Model):
    """The metrics; NULL means not reported. Units are those of apps/telemetry/metrics.py."""

    gpu_utilization = RealField(null=True)
    memory_utilization = RealField(null=True)
    temperature = RealField(null=True)
    power_draw = models.FloatField(null=True)
    memory_used_mib = RealField(null=True)
    memory_free_mib = RealField(null=True)
    sm_clock_mhz = RealField(null=True)
    memory_clock_mhz = RealField(null=True)
    encoder_utilization = RealField(null=True)
    decoder_utilization = RealField(null=True)
    memory_temperature = RealField(null=True)
    energy_consumption_mj = models.BigIntegerField(null=True)
    xid_error = models.BigIntegerField(null=True)
    clock_event_reasons = models.BigIntegerField(null=True)
    pcie_replay_total = models.BigIntegerField(null=True)
    row_remap_correctable_total = models.BigIntegerField(null=True)
    row_remap_uncorrectable_total = models.BigIntegerField(null=True)
    row_remap_failed = models.SmallIntegerField(null=True)
    row_remap_pending = models.SmallIntegerField(null=True)
    ecc_sbe_volatile_total = models.BigIntegerField(null=True)
    ecc_dbe_volatile_total = models.BigIntegerField(null=True)
    ecc_sbe_aggregate_total = models.BigIntegerField(null=True)
    ecc_dbe_aggregate_total = models.BigIntegerField(null=True)
    extra = models.JSONField(null=True, help_text="Every other field, under its DCGM name")

    class Meta:
        abstract = True
