"""`manage.py runstreamer`: stream telemetry from files, exporters, this host or uploads."""

import argparse
import logging
import sys
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.mq import EtcdError, MessageTooLarge, PublishStopped
from workers.live.arguments import add_live_arguments, wants_live
from workers.live.nvml import NvmlUnavailable
from workers.management.arguments import HelpWithExitCodes, positive, whole_number
from workers.management.schema import check_schema_version
from workers.observability import server
from workers.signals import graceful_stop
from workers.sources.source import SourceError
from workers.streamer import running
from workers.streamer.report import Report
from workers.streamer.session import Session
from workers.streamer.summary import Summary

logger = logging.getLogger(__name__)

DONE, SOURCE_FAILED, WRONG_ARGUMENTS, INTERRUPTED, QUEUE_REFUSED, NO_DRIVER = range(6)

EPILOG = """
exit codes:
  0  done; rejected rows are reported and do not change this
  1  a source could not be read; the others were streamed
  2  wrong arguments, or a --metrics-port that cannot be listened on
  3  stopped before everything was read and acknowledged
  4  etcd refused to take a message (credentials, permission, size)
  5  --nvml, and this host has no usable NVIDIA driver

SIGTERM and Ctrl-C stop in order: read no further, publish what was read, wait for the
acknowledgements, close. A second one ends the process at once.
"""


class Command(BaseCommand):
    """Arguments and wiring only; the streamer is in workers/streamer."""

    help = (
        "Stream telemetry into the queue: from CSV files (DCGM exports or one row per GPU, plain or"
        " compressed), from dcgm-exporters, from this host's GPUs, or from uploads."
    )
    requires_system_checks = ()  # only uploads use the database, and wait for it

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, with the exit codes below the arguments."""
        return super().create_parser(
            prog_name, subcommand, epilog=EPILOG, formatter_class=HelpWithExitCodes, **kwargs
        )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments."""
        _add_file_arguments(parser)
        add_live_arguments(parser)
        parser.add_argument(
            "--uploads", action="store_true", help="stream what is uploaded through the API"
        )
        parser.add_argument(
            "--group", metavar="NAME",
            help="share files, in parts of 32 MiB, and exporters with every streamer of this group;"
            " of files the group's progress is kept in etcd, and it goes on where it was",
        )  # fmt: skip
        parser.add_argument("--rate", type=positive, help="records per second (default: no limit)")
        parser.add_argument(
            "--batch-size", type=whole_number(1, 100_000), default=1000,
            help="records to hand over at once (default: 1000)",
        )  # fmt: skip
        parser.add_argument("--cluster", help="the cluster to publish to (default: CLUSTER_ID)")
        parser.add_argument("--json", action="store_true", help="end with the counts as JSON")
        server.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Stream, say what was done, and exit with the code that tells it."""
        started = time.monotonic()
        report = Report()
        try:
            stream = _kind(options)
            if options["uploads"]:
                check_schema_version()
            address, port = options["metrics_address"], options["metrics_port"]
            with server.serving_metrics(address, port), graceful_stop() as stop:
                session = Session.open(options, report, stop)
                try:
                    code = _stream(stream, session, report, stop, options)
                finally:
                    session.close()
        except (ValueError, server.CannotServeMetrics) as error:
            raise CommandError(str(error), returncode=WRONG_ARGUMENTS) from error
        summary = Summary(report, session.published(), time.monotonic() - started)
        self.stdout.write(summary.text())
        if options["json"]:
            self.stdout.write(summary.json())
        sys.exit(code)


def _add_file_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--path", action="append", default=[], dest="paths", metavar="PATH",
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
        "--speed", type=positive, metavar="FACTOR",
        help="replay at the pace of the files' times, so many times faster (0.5: slower);"
        " with restamping their spacing is kept",
    )  # fmt: skip
    parser.add_argument(
        "--restamp", action=argparse.BooleanOptionalAction,
        help="use the time of processing as the timestamp (default: with --loop)",
    )  # fmt: skip


def _kind(options: dict[str, Any]) -> running.Stream:
    """How to stream what the arguments name. Raises ValueError unless it is of one kind."""
    kinds: list[tuple[bool, running.Stream]] = [
        (bool(options["paths"]), running.stream_files),
        (wants_live(options), running.stream_live),
        (options["uploads"], running.stream_uploads),
    ]
    wanted = [stream for is_wanted, stream in kinds if is_wanted]
    if len(wanted) != 1:
        raise ValueError(
            "say what to stream, of one kind: files (--path), live sources (--scrape, --targets,"
            " --nvml) or --uploads"
        )
    of_files = [name for name in ("once", "loop", "watch", "dry_run", "speed") if options[name]]
    if of_files and not options["paths"]:
        raise ValueError(f"--{of_files[0].replace('_', '-')} is for files: give --path")
    return wanted[0]


def _stream(
    stream: running.Stream,
    session: Session,
    report: Report,
    stop: threading.Event,
    options: dict[str, Any],
) -> int:
    """Stream everything; the exit code."""
    try:
        complete = stream(session, report, stop, options)
    except PublishStopped as error:
        logger.error("%s", error)
        return INTERRUPTED
    except (EtcdError, MessageTooLarge) as error:
        logger.error("%s", error)
        return QUEUE_REFUSED
    except NvmlUnavailable as error:
        logger.error("%s", error)
        return NO_DRIVER
    except SourceError as error:
        report.source_failed(error)
        return SOURCE_FAILED
    if not complete:
        return INTERRUPTED
    return SOURCE_FAILED if report.failures else DONE
