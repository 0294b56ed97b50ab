"""`manage.py rollup`: bring the roll-ups up to date."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.telemetry.tasks import roll_up
from workers.management.once import once


class Command(BaseCommand):
    """Wiring only; the task is in apps/telemetry/tasks.py."""

    help = (
        "Sum up, per minute and per hour, every minute that is over and was touched since. The"
        " periodic tasks do this every 30 s; run it by hand where none of them runs."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Sum up."""
        once(roll_up)
