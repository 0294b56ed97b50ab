"""`manage.py archive`: write closed days to Parquet and verify them."""

import argparse
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.telemetry.archive.closed import DayDone, archive_one, days_to_archive
from apps.telemetry.archive.turn import our_turn
from apps.telemetry.clocks import earlier_now
from apps.telemetry.partition_list import attached
from apps.telemetry.partitions import TABLE
from workers.management.history import bar, day_argument, told


class Command(BaseCommand):
    """Arguments and output only; apps/telemetry/archive does the work."""

    help = (
        "Write every UTC day that is over, rolled up and not in the archive as it is now to Parquet"
        " files, and verify them. The periodic tasks do this every hour."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments."""
        day_argument(parser, "--day", text="only this day, now, whatever the archive has of it")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Archive, with a bar on a terminal."""
        with told(), our_turn():
            now = earlier_now()
            days = [_checked(options["day"])] if options["day"] else list(days_to_archive(now))
            done = self._archive(days)
        if failed := [f"{one.day}: {one.error}" for one in done if one.error]:
            raise CommandError("\n".join(failed))
        if not days:
            self.stdout.write("The archive has every day that is over and rolled up.")

    def _archive(self, days: list[date]) -> list[DayDone]:
        done = []
        with bar() as progress:
            task = progress.add_task("Archiving", total=len(days), samples=0)
            samples = 0

            def tell(rows: int) -> None:
                nonlocal samples
                samples += rows
                progress.update(task, samples=samples)

            for day in days:
                done.append(archive_one(day, tell))
                progress.advance(task)
                if not done[-1].error:
                    self.stdout.write(
                        f"{day}: {done[-1].rows:,} samples in {done[-1].bytes:,} bytes"
                    )
        return done


def _checked(day: date) -> date:
    found = [partition for partition in attached(TABLE) if partition.day == day]
    if not found:
        raise CommandError(f"there are no samples of {day} in PostgreSQL")
    if found[0].end > timezone.now():
        raise CommandError(f"{day} is not over yet (in UTC)")
    return day
