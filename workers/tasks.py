"""The periodic tasks that look at the queue; each is also a management command."""

import time

from django.conf import settings

from apps.mq import Queue
from apps.telemetry.models import QueueSnapshot
from apps.telemetry.periodic import periodic
from telemetry_project.queue import queue_config

# A day of them at one in 30 s.
KEPT = 2880


@periodic("telemetry.snapshot_queue")
def snapshot_queue() -> None:
    """Keep what waits in this cluster's queue now, and forget all but the newest snapshots."""
    cluster = settings.CLUSTER_ID
    queue = Queue(queue_config())
    try:
        backlog = queue.backlog()
        collectors, streamers = (len(queue.members(role)) for role in ("collector", "streamer"))
    finally:
        queue.close()
    oldest = backlog.oldest_at_ns
    QueueSnapshot.objects.create(
        cluster=cluster,
        messages=backlog.messages,
        oldest_age_s=max(0.0, time.time() - oldest / 1e9) if oldest else 0.0,
        collectors=collectors,
        streamers=streamers,
    )
    taken = QueueSnapshot.objects.filter(cluster=cluster)
    if outdated := taken.values_list("taken_at", flat=True)[KEPT : KEPT + 1].first():
        taken.filter(taken_at__lte=outdated).delete()
