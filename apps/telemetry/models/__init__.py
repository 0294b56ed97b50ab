"""The tables of telemetry."""

from apps.telemetry.models.archived import ArchivedCount, ArchivedDay, WatchedDay
from apps.telemetry.models.dead_letter import DeadLetter
from apps.telemetry.models.inventory import Cluster, Gpu, Host
from apps.telemetry.models.metric_columns import MetricColumns
from apps.telemetry.models.periodic import QueueSnapshot, TaskRun
from apps.telemetry.models.rollups import (
    HourRollup,
    MinuteRollup,
    RollupWatermark,
    SealedDay,
    TouchedHour,
    TouchedMinute,
)
from apps.telemetry.models.sample_row import SampleRow
from apps.telemetry.models.samples import LatestSample, Sample
from apps.telemetry.models.upload import Upload

__all__ = [
    "ArchivedCount",
    "ArchivedDay",
    "Cluster",
    "DeadLetter",
    "Gpu",
    "Host",
    "HourRollup",
    "LatestSample",
    "MetricColumns",
    "MinuteRollup",
    "QueueSnapshot",
    "RollupWatermark",
    "Sample",
    "SampleRow",
    "SealedDay",
    "TaskRun",
    "TouchedHour",
    "TouchedMinute",
    "Upload",
    "WatchedDay",
]
