"""Django's admin of the tables of telemetry."""

from django.contrib import admin

from apps.telemetry.admin.inventory import ClusterAdmin, GpuAdmin, HostAdmin
from apps.telemetry.admin.periodic import QueueSnapshotAdmin, TaskRunAdmin
from apps.telemetry.admin.samples import LatestSampleAdmin, SampleRowAdmin
from apps.telemetry.admin.uploads import UploadAdmin

__all__ = [
    "ClusterAdmin",
    "GpuAdmin",
    "HostAdmin",
    "LatestSampleAdmin",
    "QueueSnapshotAdmin",
    "SampleRowAdmin",
    "TaskRunAdmin",
    "UploadAdmin",
]

admin.site.site_header = "Elastic GPU Telemetry"
admin.site.site_title = "GPU telemetry"
admin.site.index_title = "Fleet and accounts"
admin.site.site_url = "/"
