"""`manage.py runlocal`: the whole pipeline on this machine, until Ctrl-C."""

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.embedded.processes import StartFailed
from workers.local.run import LocalRun
from workers.signals import graceful_stop


class Command(BaseCommand):
    """Arguments and wiring; workers/local does the work."""

    help = (
        "Start PostgreSQL and etcd with their data in VAR_DIR, then a supervisor with a streamer"
        " that replays a simulated fleet and with one to four collectors, the gateway, and the"
        " periodic tasks. Ctrl-C stops everything in order, a second Ctrl-C at once. DATABASE_URL"
        " and ETCD_ENDPOINTS, where set, are used instead of own servers."
    )
    requires_system_checks = ()  # there is no database to check yet

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument("--port", type=int, default=8000, help="the gateway's (8000)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Exit code 0 after a signal, 1 when something cannot be started or kept alive."""
        with graceful_stop() as stop:
            local = LocalRun(settings.BASE_DIR, settings.VAR_DIR, options["port"], stop, self._say)
            try:
                asked_to_stop = local.run()
            except StartFailed as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                raise CommandError("Stopped at once", returncode=130) from None
        if not asked_to_stop:
            raise CommandError("The run ended because a program could not be kept alive")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
