"""`manage.py restoreday`: load an archived day back into PostgreSQL."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.telemetry.archive.restore import bring_back, is_alone
from apps.telemetry.archive.turn import our_turn
from workers.management.history import bar, day_argument, told


class Command(BaseCommand):
    """Arguments and output only; apps/telemetry/archive/restore.py does the work."""

    help = (
        "Load a day that the archive alone has back into a partition, all or nothing, after its"
        " checksum has been compared. It stays for RETENTION_RAW."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the argument."""
        day_argument(parser, "day", text="the day")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Restore, with a bar on a terminal."""
        day = options["day"]
        with told(), our_turn():
            if not is_alone(day):
                raise CommandError(
                    f"the archive does not have {day} alone: either PostgreSQL still has it, or it"
                    " was never archived; the table telemetry_archivedday lists what is archived"
                )
            with bar() as progress:
                task = progress.add_task("Restoring", total=None, samples=0)
                rows = bring_back(day, lambda rows: progress.update(task, samples=rows))
        self.stdout.write(f"{day}: {rows:,} samples are back in PostgreSQL.")
