"""`python -m tests.integration.archive_steps`: runs commands, each killed at a step of its own.

Reads lines of JSON, {"step", "command", "folder"}, and answers each with the number of the signal
that ended it. A step is a function, named with its module; SIGKILL comes just before it, or just
after it when the name ends with `+`. The product itself has no such switches. Every command is a
fork of this process: starting Python and Django anew costs ten times as much.
"""

import importlib
import json
import os
import signal
import sys
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemetry_project.settings")


def main() -> None:
    """Run what stdin asks for."""
    django.setup()
    for module in ("archive.day", "archive.restore", "retention"):
        importlib.import_module(f"apps.telemetry.{module}")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status), flush=True)  # noqa: T201, the answer


def run(step: str, command: list[str], folder: str) -> None:
    """Run a command that is killed on the way."""
    from django.conf import settings  # noqa: PLC0415, after setup
    from django.core.management import call_command  # noqa: PLC0415

    try:
        settings.ARCHIVE_DIR = folder
        settings.RETENTION_1M = settings.RETENTION_1H = timedelta(days=36_500)
        no_margin()
        die_at(step)
        call_command(*command)
    finally:
        os._exit(1)


def no_margin() -> None:
    """What was archived a moment ago may go at once."""
    from apps.telemetry import retention  # noqa: PLC0415, after setup

    assert retention.apply_retention.__kwdefaults__
    retention.apply_retention.__kwdefaults__["margin"] = timedelta(0)


def die_at(step: str) -> None:
    """Replace the function of that name in its module."""
    place, _, name = step.rstrip("+").rpartition(".")
    owner: Any = importlib.import_module(f"apps.telemetry.{place}")
    real = getattr(owner, name)

    def dying(*arguments: Any, **keywords: Any) -> Any:
        if step.endswith("+"):
            real(*arguments, **keywords)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


if __name__ == "__main__":
    main()
