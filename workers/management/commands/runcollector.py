"""`manage.py runcollector`: store what is in the queue."""

import argparse
import logging
import os
import socket
import sys
import uuid
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.backends.signals import connection_created

from apps.mq import Consumer, QueueConfig, Refused
from apps.telemetry.prepared_cursor import keep_to_indexes
from telemetry_project.queue import queue_config
from workers.collector import Collector
from workers.collector.storing import Storing
from workers.collector.tuning import tune_for_bulk
from workers.management.arguments import HelpWithExitCodes, whole_number
from workers.management.schema import check_schema_version
from workers.observability import server
from workers.observability.queue_metrics import QueueMetrics
from workers.signals import grace_period, graceful_stop
from workers.supervisor.command import QUEUE_REFUSED, WRONG_ARGUMENTS, supervise

logger = logging.getLogger(__name__)

MAX_WORKERS = 10
GRACE_S = 4.0  # with one call's ETCD_TIMEOUT_S this stays under ten seconds

EPILOG = """
exit codes:
  0  stopped in order
  1  an unexpected error; what was not acknowledged stays in the queue
  2  wrong arguments, or a --metrics-port that cannot be listened on
  4  etcd refused the user, the password or the permission

SIGTERM and Ctrl-C stop in order: take nothing more, store and acknowledge what is in hand, give
the rest back, leave the group. A second one ends the process at once; nothing is lost by that.
"""


class Command(BaseCommand):
    """Arguments and wiring only; the collector is in workers/collector."""

    help = "Take telemetry from the queue, register hosts and GPUs, and store it."
    requires_system_checks = ()  # they are about requests, which the gateway alone answers

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, with the exit codes below the arguments."""
        return super().create_parser(
            prog_name, subcommand, epilog=EPILOG,
            formatter_class=HelpWithExitCodes, **kwargs,
        )  # fmt: skip

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument(
            "--workers", type=whole_number(1, MAX_WORKERS), default=1,
            help=f"collector processes to keep running, 1 to {MAX_WORKERS} (default: 1)",
        )  # fmt: skip
        parser.add_argument(
            "--batch-size", type=whole_number(1, 100_000), default=8000,
            help="records per database transaction, about (default: 8000)",
        )  # fmt: skip
        parser.add_argument("--cluster", help="the cluster to collect (default: CLUSTER_ID)")
        server.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Collect until told to stop."""
        try:
            config = queue_config(options["cluster"])
        except ValueError as error:
            raise CommandError(str(error), returncode=WRONG_ARGUMENTS) from error
        check_schema_version()
        try:
            if options["workers"] > 1:
                sys.exit(_several(config, options))
            tune_for_bulk()
            with server.serving_metrics(options["metrics_address"], options["metrics_port"]):
                _collect(config, options["batch_size"])
        except server.CannotServeMetrics as error:
            raise CommandError(str(error), returncode=WRONG_ARGUMENTS) from error


def _collect(config: QueueConfig, batch_size: int) -> None:
    instance = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    connection_created.connect(keep_to_indexes)
    with graceful_stop() as stop:
        storing = Storing(config.cluster, grace_period(stop, GRACE_S))
        collector: Collector | None = None
        consumer = Consumer(
            config, instance, lambda: {"stored": collector.stored if collector else 0},
            QueueMetrics(config.quota_bytes),
        )  # fmt: skip
        collector = Collector(
            consumer, storing, batch_size=batch_size, earliest=settings.SAMPLE_MIN_TIME
        )
        logger.info("collecting cluster %s from %s", config.cluster, ",".join(config.endpoints))
        try:
            consumer.start()
            collector.run(stop)
        except Refused as error:
            raise CommandError(str(error), returncode=QUEUE_REFUSED) from error
        finally:
            consumer.close()
    logger.info("stopped: %d records stored, %d dead letters", collector.stored, collector.buried)


def _several(config: QueueConfig, options: dict[str, Any]) -> int:
    """As many as asked for under a supervisor, which keeps them running; the exit code."""
    count, address = options["workers"], options["metrics_address"]
    ports = server.ports(options["metrics_port"], count)
    for port in ports:  # before any process starts that would have to be stopped again
        server.check(address, port)
    common = [
        "runcollector", f"--cluster={config.cluster}", f"--batch-size={options['batch_size']}",
        f"--metrics-address={address}",
    ]  # fmt: skip
    return supervise(
        config,
        {"collectors": (count, count), "streamers": (0, 0)},
        {
            "collectors": lambda number: [*common, f"--metrics-port={ports[number - 1]}"],
            "streamers": lambda _: [],
        },
    )
