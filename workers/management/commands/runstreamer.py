"""`manage.py runstreamer`: stream CSV files into the queue."""

import argparse
import logging
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
)

from apps.mq import EtcdError, MessageTooLarge, Publisher, PublishStopped
from apps.telemetry.records import check_time
from workers.management.arguments import HelpWithExitCodes, positive, whole_number
from workers.queue import queue_config
from workers.restamp import Restamp
from workers.signals import grace_period, graceful_stop
from workers.sources.csv_file import CsvFile
from workers.sources.paths import find_csv_files
from workers.streamer.progress import show_progress
from workers.streamer.report import Report
from workers.streamer.streamer import Discard, MessagePublisher, Streamer
from workers.streamer.summary import Summary

logger = logging.getLogger(__name__)

DONE, SOURCE_FAILED, WRONG_ARGUMENTS, INTERRUPTED, QUEUE_REFUSED = range(5)
GRACE_S = 4.0  # with one call's ETCD_TIMEOUT_S this stays under ten seconds

EPILOG = """
exit codes:
  0  done; rejected rows are reported and do not change this
  1  a source could not be read; the others were streamed
  2  wrong arguments
  3  stopped before everything was read and acknowledged
  4  etcd refused to take a message (credentials, permission, size)

SIGTERM and Ctrl-C stop in order: read no further, publish what was read, wait for the
acknowledgements, close. A second one ends the process at once.
"""


class Command(BaseCommand):
    """Arguments and wiring only; the streamer is in workers/streamer."""

    help = "Stream telemetry from CSV files (DCGM exports or one row per GPU) into the queue."
    requires_system_checks = ()  # it uses neither the database nor the URLs

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, with the exit codes below the arguments."""
        return super().create_parser(
            prog_name, subcommand, epilog=EPILOG, formatter_class=HelpWithExitCodes, **kwargs
        )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument(
            "--path", action="append", required=True, dest="paths", metavar="PATH",
            help="a file, a directory (its .csv files) or a quoted glob; may be repeated",
        )  # fmt: skip
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--once", action="store_true", help="one pass (the default)")
        mode.add_argument("--loop", action="store_true", help="start again at the end, for ever")
        parser.add_argument("--dry-run", action="store_true", help="check the files; needs no etcd")
        parser.add_argument("--rate", type=positive, help="records per second (default: no limit)")
        parser.add_argument(
            "--batch-size", type=whole_number(1, 100_000), default=1000,
            help="records to hand over at once (default: 1000)",
        )  # fmt: skip
        parser.add_argument(
            "--restamp", action=argparse.BooleanOptionalAction,
            help="use the time of processing as the timestamp (default: with --loop)",
        )  # fmt: skip
        parser.add_argument("--cluster", help="the cluster to publish to (default: CLUSTER_ID)")
        parser.add_argument("--json", action="store_true", help="end with the counts as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Stream, say what was done, and exit with the code that tells it."""
        if options["dry_run"] and options["loop"]:
            raise CommandError(
                "--dry-run checks once: leave out --loop", returncode=WRONG_ARGUMENTS
            )
        started = time.monotonic()
        report = Report()
        with graceful_stop() as stop:
            publisher = _publisher(options, stop)
            try:
                code = _stream(publisher, report, stop, options)
            finally:
                publisher.close()
        summary = Summary(report, publisher.acknowledged, time.monotonic() - started)
        self.stdout.write(summary.text())
        if options["json"]:
            self.stdout.write(summary.json())
        sys.exit(code)


def _publisher(options: dict[str, Any], stop: threading.Event) -> MessagePublisher:
    if options["dry_run"]:
        return Discard()
    try:
        config = queue_config(options["cluster"])
    except ValueError as error:
        raise CommandError(str(error), returncode=WRONG_ARGUMENTS) from error
    logger.info("publishing to cluster %s at %s", config.cluster, ",".join(config.endpoints))
    return Publisher(config, grace_period(stop, GRACE_S))


def _stream(
    publisher: MessagePublisher, report: Report, stop: threading.Event, options: dict[str, Any]
) -> int:
    """Stream everything; the exit code."""
    loop = options["loop"]
    restamp = loop if options["restamp"] is None else options["restamp"]

    def find_sources() -> Sequence[CsvFile]:
        files, errors = find_csv_files(options["paths"])
        for error in errors:
            report.source_failed(error)
        return [CsvFile(file, _any_time if restamp else _check_time) for file in files]

    try:
        with show_progress(report) as progress:
            streamer = Streamer(
                publisher, report, progress, stop,
                batch_size=options["batch_size"], rate=options["rate"],
                restamp=Restamp() if restamp else None,
            )  # fmt: skip
            complete = streamer.run(find_sources, loop=loop)
    except PublishStopped as error:
        logger.error("%s", error)
        return INTERRUPTED
    except (EtcdError, MessageTooLarge) as error:
        logger.error("%s", error)
        return QUEUE_REFUSED
    if not complete and not loop:
        return INTERRUPTED
    return SOURCE_FAILED if report.failures else DONE


def _check_time(timestamp: datetime) -> None:
    check_time(timestamp, settings.SAMPLE_MIN_TIME, datetime.now(UTC))


def _any_time(_timestamp: datetime) -> None:
    """When the time is replaced, the original one only tells which rows belong together."""
