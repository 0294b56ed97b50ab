"""`manage.py deadletters`: look at the messages that could not be stored, and deal with them."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.db.models import Count, Max, QuerySet
from django.db.models.functions import Length
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from apps.telemetry.dead_letters import find, readable
from apps.telemetry.models import DeadLetter
from workers.dead_letters import CannotPublish, Step, requeue
from workers.management.arguments import HelpWithExitCodes, whole_number
from workers.signals import graceful_stop

DONE, FAILED, WRONG_ARGUMENTS, STOPPED, QUEUE_REFUSED = range(5)
REASONS_COUNTED = 20

HELP = """
Messages that are no valid records, or that the database refused, are kept as dead letters with
their bytes and the reason. Look at the reasons, remove the cause, then requeue the letters, or
delete those that are worth nothing.
"""
EPILOG = """
exit codes:
  0  done
  1  not done, or not for every letter: an unknown ID, a letter too large to be published,
     PostgreSQL away
  2  wrong arguments
  3  stopped, or not confirmed; what was not requeued or deleted is still a dead letter
  4  etcd did not take the letters, which are still there

`manage.py deadletters list --help`, and so on, has the arguments of each.
"""


class Command(BaseCommand):
    """Arguments and output only; workers/dead_letters.py does the work."""

    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, with the exit codes below the arguments."""
        return super().create_parser(
            prog_name, subcommand, epilog=EPILOG, formatter_class=HelpWithExitCodes, **kwargs
        )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments of each action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="show them, newest first, and count the reasons")
        _add_filters(listing)
        listing.add_argument(
            "--limit", type=whole_number(0), default=50,
            help="letters to show; the reasons of all are counted (default: 50)",
        )  # fmt: skip
        listing.add_argument("--json", action="store_true", help="one JSON object per line instead")
        listing.set_defaults(run=self.list_letters)
        show = actions.add_parser("show", help="one of them with its bytes, made readable")
        show.add_argument("id", type=whole_number(1), metavar="ID")
        show.set_defaults(run=self.show)
        again = actions.add_parser("requeue", help="publish their bytes again as they were")
        _add_choice(again)
        again.set_defaults(run=self.requeue)
        delete = actions.add_parser("delete", help="delete them for good")
        _add_choice(delete)
        delete.add_argument(
            "--no-input", action="store_false", dest="ask", help="do not ask before --all"
        )
        delete.set_defaults(run=self.delete)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it, and exit with the code that tells how it went."""
        try:
            options["run"](options)
        except DatabaseError as error:
            text = f"PostgreSQL: {str(error).strip()}\nIs it running? See DATABASE_URL"
            raise CommandError(text, returncode=FAILED) from error
        except BrokenPipeError:
            # The reader has enough (`| head`); keep the interpreter from flushing into it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def list_letters(self, options: dict[str, Any]) -> None:
        """One line per letter, newest first."""
        letters = _found(options).order_by("-buried_at", "-pk").defer("value")
        shown = letters.annotate(bytes=Length("value"))[: options["limit"]]
        for letter in shown.iterator():
            self.stdout.write(_json(letter) if options["json"] else _line(letter))
        if not options["json"]:
            self._count_reasons(letters)

    def show(self, options: dict[str, Any]) -> None:
        """Everything about one letter."""
        letter = _chosen(options | {"ids": [options["id"]]}).get()
        value = bytes(letter.value)
        self.stdout.write(
            f"id:        {letter.pk}\ncluster:   {letter.cluster}\n"
            f"key:       {readable(letter.key)}\n"
            f"buried at: {_time(letter)}\nreason:    {readable(letter.reason)}\n"
            f"value:     {len(value)} bytes\n\n{readable(value)}"
        )

    def requeue(self, options: dict[str, Any]) -> None:
        """Publish letters again, with a bar on a terminal."""
        letters = _chosen(options)
        total = letters.count()
        published = too_large = 0
        with graceful_stop() as stop:
            try:
                for step in _with_bar(requeue(letters), total):
                    published += step.published
                    too_large += step.too_large
                    if stop.is_set():
                        break
            except CannotPublish as error:
                text = f"{published} of {total} dead letters were published again, then: {error}"
                raise CommandError(text, returncode=QUEUE_REFUSED) from error
        self.stdout.write(f"{published} of {total} dead letters were published again.")
        if stop.is_set() and published + too_large < total:
            sys.exit(STOPPED)
        if too_large:
            raise CommandError(
                f"{too_large} are too large to be published; `show` and `delete` them",
                returncode=FAILED,
            )

    def delete(self, options: dict[str, Any]) -> None:
        """Delete letters, after a question where they are not named one by one."""
        letters = _chosen(options)
        # Those that are buried while the question waits for its answer are not meant.
        letters = letters.filter(pk__lte=letters.aggregate(newest=Max("pk"))["newest"] or 0)
        if options["all"] and options["ask"] and not self._confirmed(letters.count()):
            raise CommandError("nothing was deleted", returncode=STOPPED)
        deleted, _ = letters.delete()
        self.stdout.write(f"{deleted} dead letters were deleted.")

    def _confirmed(self, count: int) -> bool:
        try:
            answer = input(f"Delete {count} dead letters for good? [y/N] ")
        except EOFError:
            self.stderr.write("Nobody is there to confirm; --no-input deletes without asking.")
            return False
        return answer.strip().lower() in ("y", "yes")

    def _count_reasons(self, letters: QuerySet[DeadLetter]) -> None:
        counts = letters.order_by().values_list("reason").annotate(n=Count("pk"))
        rows = list(counts.order_by("-n", "reason").iterator())
        self.stdout.write(f"\n{sum(count for _, count in rows)} dead letters, by reason:")
        for text, count in islice(rows, REASONS_COUNTED):
            self.stdout.write(f"{count:>9}  {_one_line(text)}")
        if len(rows) > REASONS_COUNTED:
            self.stdout.write(f"           and {len(rows) - REASONS_COUNTED} other reasons")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cluster", help="only those of this cluster")
    parser.add_argument("--reason", metavar="TEXT", help="only those whose reason contains this")
    parser.add_argument(
        "--since", type=_instant, metavar="TIME",
        help="only those buried at this time or later: ISO 8601, in UTC where no zone is given",
    )  # fmt: skip


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", type=whole_number(1), metavar="ID")
    parser.add_argument("--all", action="store_true", help="all that the filters leave")
    _add_filters(parser)


def _found(options: dict[str, Any]) -> QuerySet[DeadLetter]:
    return find(options["cluster"], options["reason"], options["since"])


def _chosen(options: dict[str, Any]) -> QuerySet[DeadLetter]:
    """The letters that IDs name, every one of them, or that --all and the filters leave."""
    ids = set(options["ids"])
    filtered = any(options.get(name) for name in ("all", "cluster", "reason", "since"))
    if ids and filtered:
        raise CommandError("give IDs, or --all with filters", returncode=WRONG_ARGUMENTS)
    if not ids:
        if not options["all"]:
            raise CommandError("give IDs, or --all for all of them", returncode=WRONG_ARGUMENTS)
        return _found(options)
    letters = DeadLetter.objects.filter(pk__in=ids)
    if missing := sorted(ids - set(letters.values_list("pk", flat=True))):
        text = f"no dead letter has the ID {', '.join(map(str, missing))}; nothing was done"
        raise CommandError(text, returncode=FAILED)
    return letters


def _with_bar(steps: Iterable[Step], total: int) -> Iterator[Step]:
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Publishing", total=total)
        for step in steps:
            bar.advance(task, step.published + step.too_large)
            yield step


def _line(letter: DeadLetter) -> str:
    return f"{letter.pk:>9}  {_time(letter)}  {readable(letter.key)}  {_one_line(letter.reason)}"


def _json(letter: Any) -> str:
    return json.dumps(
        {
            "id": letter.pk, "cluster": letter.cluster, "buried_at": _time(letter),
            "key": letter.key, "bytes": letter.bytes, "reason": letter.reason,
        }
    )  # fmt: skip


def _one_line(text: str) -> str:
    return " ".join(readable(text).split())


def _time(letter: DeadLetter) -> str:
    return letter.buried_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)
