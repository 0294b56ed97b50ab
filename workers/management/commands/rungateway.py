"""`manage.py rungateway`: serve the API, its documentation and the admin."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.gateway.metrics.shared import counting_together
from apps.gateway.serving.server import CannotServe, Options, check, serve
from telemetry_project.queue import queue_config
from workers.management.arguments import whole_number
from workers.management.schema import check_schema_version


class Command(BaseCommand):
    """Arguments and wiring only; the server is in apps/gateway/serving/."""

    help = (
        "Serve the REST API (/api/v1/), its documentation (/api/docs/), the admin (/admin/),"
        " /metrics, /health and /ready. SECRET_KEY must be set. SIGTERM or Ctrl-C finishes the"
        " requests in hand, for at most 5 s. Exit status 1: it could not start, and says why."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 is every one"
        )
        parser.add_argument(
            "--port", type=whole_number(1, 65_535), default=8000, help="port to listen on"
        )
        parser.add_argument(
            "--workers",
            type=whole_number(1, 1024),
            default=1,
            help="processes; one per core is enough",
        )
        parser.add_argument(
            "--threads", type=whole_number(1, 1024), default=4,
            help="requests that a process works on at once, each with a PostgreSQL connection",
        )  # fmt: skip
        parser.add_argument("--access-log", action="store_true", help="log every request")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it; what it imports from here on, the system checks included, counts together."""
        with counting_together():
            return super().execute(*args, **options)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until told to stop."""
        chosen = Options(**{name: options[name] for name in Options.__slots__})
        try:
            check(chosen)
            queue_config()  # a wrong setting would fail each request
            check_schema_version()
            self.announce(chosen)
            serve(chosen)
        except (CannotServe, ValueError) as error:
            raise CommandError(str(error)) from error

    def announce(self, options: Options) -> None:
        """Say where to look, before the first request is answered."""
        host = f"[{options.host}]" if ":" in options.host else options.host
        self.stdout.write(f"Gateway on http://{host}:{options.port}; its documentation: /api/docs/")
        self.stdout.flush()
