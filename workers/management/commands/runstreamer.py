"""`manage.py runstreamer`: stream CSV files into the queue."""

import argparse
import logging
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
)

from apps.mq import EtcdError, MessageTooLarge, PublishStopped
from apps.telemetry.records import check_time
from workers.management.arguments import HelpWithExitCodes, positive, whole_number
from workers.restamp import Restamp
from workers.signals import graceful_stop
from workers.sources.csv_file import CsvFile
from workers.streamer.parts import Part
from workers.streamer.progress import show_progress
from workers.streamer.replay import Replay
from workers.streamer.report import Report
from workers.streamer.session import Session
from workers.streamer.streamer import Streamer, Timing
from workers.streamer.summary import Summary
from workers.streamer.work import Files

logger = logging.getLogger(__name__)

DONE, SOURCE_FAILED, WRONG_ARGUMENTS, INTERRUPTED, QUEUE_REFUSED = range(5)

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
        mode.add_argument(
            "--watch", action="store_true",
            help="go on for ever: read what the files grow by, and new files",
        )  # fmt: skip
        mode.add_argument("--dry-run", action="store_true", help="check the files; needs no etcd")
        parser.add_argument(
            "--group", metavar="NAME",
            help="share the files with every streamer of this group, in parts of 32 MiB, and go on"
            " where the group was; its progress is kept in etcd",
        )  # fmt: skip
        parser.add_argument("--rate", type=positive, help="records per second (default: no limit)")
        parser.add_argument(
            "--speed", type=positive, metavar="FACTOR",
            help="replay at the pace of the files' times, so many times faster (0.5: slower);"
            " with restamping their spacing is kept",
        )  # fmt: skip
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
        started = time.monotonic()
        report = Report()
        with graceful_stop() as stop:
            try:
                session = Session.open(options, stop)
            except ValueError as error:
                raise CommandError(str(error), returncode=WRONG_ARGUMENTS) from error
            try:
                code = _stream(session, report, stop, options)
            finally:
                session.close()
        summary = Summary(report, session.publisher.acknowledged, time.monotonic() - started)
        self.stdout.write(summary.text())
        if options["json"]:
            self.stdout.write(summary.json())
        sys.exit(code)


def _stream(
    session: Session, report: Report, stop: threading.Event, options: dict[str, Any]
) -> int:
    """Stream everything; the exit code."""
    loop, watch, speed = options["loop"], options["watch"], options["speed"]
    restamping = loop if options["restamp"] is None else options["restamp"]
    replay = Replay(speed, stop) if speed else None
    restamp = (replay or Restamp()) if restamping else None

    def open_part(part: Part, offset: int) -> CsvFile:
        check_time = _any_time if restamping else _check_time
        bounds: dict[str, Any] = {"start": offset, "end": part.end, "growing": watch}
        return CsvFile(part.path, check_time, **{k: v for k, v in bounds.items() if v})

    work = Files(options["paths"], open_part, session.shares, report, watch=watch, loop=loop)
    try:
        with show_progress(report) as progress:
            streamer = Streamer(
                session.publisher, report, progress, stop,
                batch_size=options["batch_size"], timing=Timing(options["rate"], replay, restamp),
            )  # fmt: skip
            complete = streamer.run(work)
    except PublishStopped as error:
        logger.error("%s", error)
        return INTERRUPTED
    except (EtcdError, MessageTooLarge) as error:
        logger.error("%s", error)
        return QUEUE_REFUSED
    if not complete and not (loop or watch):
        return INTERRUPTED
    return SOURCE_FAILED if report.failures else DONE


def _check_time(timestamp: datetime) -> None:
    check_time(timestamp, settings.SAMPLE_MIN_TIME, datetime.now(UTC))


def _any_time(_timestamp: datetime) -> None:
    """When the time is replaced, the original one only tells which rows belong together."""
