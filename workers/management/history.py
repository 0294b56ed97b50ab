"""What the commands of history share: arguments, the bar, and how errors end them."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.core.management.base import CommandError
from django.db import DatabaseError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn

from apps.telemetry.archive.failures import ArchiveFailed
from apps.telemetry.archive.turn import NotOurTurn
from apps.telemetry.short_lock import TableBusy


def day(text: str) -> date:
    """An argument type: a UTC day, 2026-01-31."""
    return date.fromisoformat(text)


day.__name__ = "day (YYYY-MM-DD)"  # argparse names it in its message


def day_argument(parser: argparse.ArgumentParser, *names: str, text: str) -> None:
    """An argument that is a day."""
    parser.add_argument(*names, type=day, metavar="DAY", help=f"{text}, YYYY-MM-DD in UTC")


@contextmanager
def told() -> Iterator[None]:
    """Errors that an operator can act on end the command with their text."""
    try:
        yield
    except (ArchiveFailed, NotOurTurn, TableBusy, OSError) as error:
        raise CommandError(str(error)) from error
    except DatabaseError as error:
        text = f"PostgreSQL: {str(error).strip()}\nIs it running? See DATABASE_URL"
        raise CommandError(text) from error


def bar() -> Progress:
    """A bar of days with the samples done so far; on a terminal only."""
    console = Console(stderr=True)
    columns = (
        *Progress.get_default_columns(), MofNCompleteColumn(),
        TextColumn("{task.fields[samples]:,} samples"),
    )  # fmt: skip
    return Progress(*columns, console=console, disable=not console.is_terminal)
