"""Looks at the version of the tables before a worker starts."""

from django.core.management.base import CommandError
from django.db import connections

from apps.telemetry.schema_version import WrongSchema, refuse_wrong_schema


def check_schema_version() -> None:
    """Raise CommandError, exit code 1, where the tables are of another version than the code."""
    try:
        refuse_wrong_schema()
    except WrongSchema as error:
        raise CommandError(str(error), returncode=1) from error
    finally:
        connections.close_all()  # nobody inherits it through a fork
