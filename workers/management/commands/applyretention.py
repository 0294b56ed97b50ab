"""`manage.py applyretention`: drop partitions that are older than the settings say."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand

from apps.telemetry.retention import apply_retention
from workers.management.history import told


class Command(BaseCommand):
    """Arguments and output only; apps/telemetry/retention.py does the work."""

    help = (
        "Drop partitions that are older than RETENTION_RAW, RETENTION_1M and RETENTION_1H. Samples"
        " go only once the archive has them, where ARCHIVE is on. The periodic tasks do this every"
        " hour."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the argument."""
        parser.add_argument("--dry-run", action="store_true", help="tell, and drop nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Drop, telling each as it goes."""
        gone = "would go" if options["dry_run"] else "dropped"
        count = 0
        with told():
            for one in apply_retention(dry_run=options["dry_run"]):
                count += 1
                self.stdout.write(f"{one.partition}: {f'stays: {one.kept}' if one.kept else gone}")
        if not count:
            self.stdout.write("Nothing is older than it may be.")
