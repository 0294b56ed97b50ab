"""`manage.py createtoken`: a token for a program, shown once."""

import argparse
import re
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from apps.gateway.access.api_token import issue
from apps.gateway.access.roles import Role
from apps.telemetry import queries

ROLES = {role.name.lower(): role for role in Role if role}
UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def expiry(text: str) -> datetime:
    """An argument type: `90d` (h, d, w) from now, a date (until it begins, UTC), or a time."""
    if span := re.fullmatch(r"(\d{1,5})([hdw])", text):
        at = timezone.now() + timedelta(**{UNITS[span[2]]: int(span[1])})
    else:
        at = _instant(text)
    if at <= timezone.now():
        raise argparse.ArgumentTypeError(f"{text} is over already")
    return at


def name(text: str) -> str:
    """An argument type: one to a hundred characters."""
    if not 1 <= len(text.strip()) <= 100:
        raise argparse.ArgumentTypeError("a name has 1 to 100 characters")
    return text.strip()


class Command(BaseCommand):
    """Arguments and output only; apps/gateway/access/api_token.py stores the token."""

    help = (
        "Make an API token and print it with a request that uses it. Only its SHA-256 is stored, so"
        " it is shown this once. Admin, API tokens, lists and revokes tokens."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument("--name", required=True, type=name, help="what it is for")
        parser.add_argument(
            "--role", required=True, choices=ROLES,
            help="viewer: read; operator: also send files and records; admin: also manage tokens",
        )  # fmt: skip
        parser.add_argument(
            "--cluster", action="append", default=[], metavar="SLUG",
            help="a cluster that it may see, may be repeated; without it, all of them",
        )  # fmt: skip
        parser.add_argument(
            "--expires", type=expiry, metavar="WHEN",
            help="90d (h, d, w), 2027-01-01 or 2027-01-01T12:00:00Z; without it, never",
        )  # fmt: skip
        parser.add_argument(
            "--address", default="http://127.0.0.1:8000", help="the gateway's, for what is printed"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make it and show it."""
        known = set(queries.clusters().values_list("slug", flat=True))
        for slug in sorted(set(options["cluster"]) - known):
            self.stderr.write(f"No cluster {slug!r} has reported yet; the token will see it.")
        _, text = issue(
            name=options["name"],
            role=ROLES[options["role"]],
            clusters=sorted(set(options["cluster"])),
            expires_at=options["expires"],
        )
        self.stdout.write(f"{text}\n")
        self.stderr.write(
            "It cannot be shown again. A request with it:\n"
            f"  curl --header 'Authorization: Bearer {text}' {options['address']}/api/v1/gpus"
        )


def _instant(text: str) -> datetime:
    try:
        if day := parse_date(text):
            return timezone.make_aware(datetime.combine(day, datetime.min.time()))
        at = parse_datetime(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error
    if at is None:
        raise argparse.ArgumentTypeError(f"{text} is neither 90d nor a date nor a time")
    return at if at.tzinfo else timezone.make_aware(at)
