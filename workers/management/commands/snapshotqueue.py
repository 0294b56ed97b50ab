"""`manage.py snapshotqueue`: keep what waits in the queue now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.mq import EtcdError
from workers.management.once import once
from workers.tasks import KEPT, snapshot_queue


class Command(BaseCommand):
    """Wiring only; the task is in workers/tasks.py."""

    help = (
        "Keep how many messages wait in CLUSTER_ID's queue, since when, and how many collectors"
        f" and streamers there are; the {KEPT} newest of such snapshots are kept. The periodic"
        " tasks do this every 30 s."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Keep it."""
        try:
            once(snapshot_queue)
        except EtcdError as error:
            raise CommandError(f"{error}; is etcd running? See ETCD_ENDPOINTS") from error
