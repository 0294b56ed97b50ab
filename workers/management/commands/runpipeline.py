"""`manage.py runpipeline`: as many streamers and collectors as the load needs."""

import argparse
import sys
from typing import Any

from django.core.management import load_command_class
from django.core.management.base import BaseCommand, CommandError, CommandParser

from telemetry_project.queue import queue_config
from workers.management.arguments import HelpWithExitCodes, number_range, whole_number
from workers.management.schema import check_schema_version
from workers.observability import server
from workers.observability.server import CannotServeMetrics, serving_metrics
from workers.supervisor.command import WRONG_ARGUMENTS, supervise

MOST = 10
# How far after --metrics-port the ports of a role's workers lie, to which a worker's number is
# added. The lists never meet: a worker that is being stopped keeps its number, so there may be more
# numbers than workers for a while, but not a hundred.
METRICS_PORTS = {"collectors": 0, "streamers": 100}

EPILOG = """
Everything after -- goes to the streamers as it is; `manage.py runstreamer --help` lists it:

  manage.py runpipeline --streamers 1..4 --collectors 1..10 -- --path /data --watch --group site

With --metrics-port PORT every worker has a page of its own too: collector 1 on PORT + 1, collector
2 on PORT + 2, streamer 1 on PORT + 101 and so on.

exit codes:
  0  stopped in order
  1  a role could not be kept running; the end of its log was printed
  2  wrong arguments
  4  etcd refused the user, the password or the permission

SIGTERM and Ctrl-C stop in order: the streamers first, then the collectors finish what is in hand.
A second one ends the supervisor at once, and its workers stop by themselves.
"""


class Command(BaseCommand):
    """Arguments and wiring only; the supervisor is in workers/supervisor."""

    help = "Run, restart and scale streamers and collectors on this machine."
    requires_system_checks = ()  # they are about requests, which the gateway alone answers

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, with the exit codes below the arguments."""
        return super().create_parser(
            prog_name, subcommand, epilog=EPILOG, formatter_class=HelpWithExitCodes, **kwargs
        )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments."""
        for role, default in (("streamers", "1"), ("collectors", f"1..{MOST}")):
            parser.add_argument(
                f"--{role}", type=number_range(1, MOST), default=default, metavar="N|N..M",
                help=f"how many {role} to run on this machine, 1 to {MOST} (default: {default})",
            )  # fmt: skip
        parser.add_argument(
            "--path", action="append", default=[], dest="paths", metavar="PATH",
            help="a source of the streamers; without one (or arguments after --) none are run",
        )  # fmt: skip
        parser.add_argument(
            "--group", metavar="NAME", help="the streamers share the files in this group"
        )
        parser.add_argument(
            "--batch-size", type=whole_number(1, 100_000),
            help="records per database transaction of a collector",
        )  # fmt: skip
        parser.add_argument("--cluster", help="the cluster to serve (default: CLUSTER_ID)")
        server.add_arguments(parser)
        parser.add_argument(
            "streamer_arguments", nargs="*", metavar="-- ARGUMENT", help="for the streamers"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Supervise until told to stop."""
        try:
            config = queue_config(options["cluster"])
        except ValueError as error:
            raise CommandError(str(error), returncode=WRONG_ARGUMENTS) from error
        source = _streamer_arguments(options)
        streamers = options["streamers"] if source else (0, 0)
        limits = {"collectors": options["collectors"], "streamers": streamers}
        arguments = {
            "collectors": lambda number: [
                "runcollector", *_metrics(options, "collectors", number),
                *_collector_arguments(options),
            ],
            # What was given for the streamers comes later and so wins.
            "streamers": lambda number: [
                "runstreamer", *_metrics(options, "streamers", number), *source
            ],
        }  # fmt: skip
        check_schema_version()
        address, port = options["metrics_address"], options["metrics_port"]
        try:
            for role, (_, most) in limits.items():
                for number in range(1, most + 1):
                    server.check(address, _port(port, role, number))
            with serving_metrics(address, port):
                sys.exit(supervise(config, limits, arguments))
        except CannotServeMetrics as error:
            raise CommandError(str(error), returncode=WRONG_ARGUMENTS) from error


def _port(first: int, role: str, number: int) -> int:
    """Where a worker serves its metrics, by its number from 1 on; 0 for nowhere."""
    return first and first + METRICS_PORTS[role] + number


def _metrics(options: dict[str, Any], role: str, number: int) -> list[str]:
    port = _port(options["metrics_port"], role, number)
    return [f"--metrics-address={options['metrics_address']}", f"--metrics-port={port}"]


def _collector_arguments(options: dict[str, Any]) -> list[str]:
    return [
        f"--{name}={options[name.replace('-', '_')]}"
        for name in ("batch-size", "cluster")
        if options[name.replace("-", "_")]
    ]


def _streamer_arguments(options: dict[str, Any]) -> list[str]:
    """What every streamer is called with, empty for none. Refuses what runstreamer would refuse."""
    source = [*(f"--path={path}" for path in options["paths"]), *options["streamer_arguments"]]
    if not source:
        return []
    source += [f"--{name}={options[name]}" for name in ("group", "cluster") if options[name]]
    parser = load_command_class("workers", "runstreamer").create_parser("manage.py", "runstreamer")
    parser.called_from_command_line = False  # it raises then, instead of printing its own usage
    try:
        parsed = parser.parse_args(source)
    except CommandError as error:
        raise CommandError(f"for the streamers: {error}", returncode=WRONG_ARGUMENTS) from error
    if options["streamers"][1] > 1 and not parsed.group:
        raise CommandError(
            "several streamers would each read everything: give --group NAME, so that they share"
            " it, or --streamers 1",
            returncode=WRONG_ARGUMENTS,
        )
    return source
