"""`manage.py makepartitions`: make the sample table's partitions of the next days."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.telemetry.tasks import DAYS_AHEAD, make_partitions
from workers.management.once import once


class Command(BaseCommand):
    """Wiring only; the task is in apps/telemetry/tasks.py."""

    help = (
        f"Make the partitions of samples for today and the next {DAYS_AHEAD} days, where they are"
        " missing. The periodic tasks do this every hour; run it by hand where none of them runs."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Make them."""
        once(make_partitions)
