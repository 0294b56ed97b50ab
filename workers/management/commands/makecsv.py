"""`manage.py makecsv`: write the telemetry of a simulated fleet as CSV."""

import argparse
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import track

from workers.demo.csv_layouts import (
    HEADERS,
    LINES_PER_READING,
    Layout,
    blocks,
    count_instants,
    instants,
)
from workers.demo.fleet import build_fleet
from workers.management.arguments import positive, whole_number


class Command(BaseCommand):
    """Arguments and wiring only; the fleet is in workers/demo."""

    help = (
        "Write the telemetry of a simulated GPU fleet as CSV: training jobs, idle GPUs, a hot"
        " host, an XID error, a GPU that looks busy and draws little power. The same arguments"
        " always write the same bytes."
    )

    requires_system_checks = ()  # it uses neither the database nor the URLs

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument("--hosts", type=whole_number(1), default=16)
        parser.add_argument("--gpus-per-host", type=whole_number(1), default=8)
        parser.add_argument("--seconds", type=positive, default=600.0, help="length of the file")
        parser.add_argument("--interval", type=positive, default=1.0, help="seconds per sample")
        parser.add_argument("--layout", choices=[*Layout], default=Layout.DCGM, type=Layout)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--start", type=_time, default="2025-01-01T00:00:00Z", help="ISO 8601")
        parser.add_argument("--output", required=True, help="file to write, - for standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the file, or to standard output."""
        seconds, interval_s, layout = options["seconds"], options["interval"], options["layout"]
        fleet = build_fleet(options["hosts"], options["gpus_per_host"], seconds, options["seed"])
        lines = blocks(fleet, instants(options["start"], seconds, interval_s), interval_s, layout)
        if options["output"] == "-":
            _write_stdout(HEADERS[layout], lines)
            return
        count = count_instants(seconds, interval_s)
        console = Console(stderr=True)
        tracked = track(
            lines, "Writing", total=count * len(fleet), console=console,
            disable=not console.is_terminal,
        )  # fmt: skip
        _write_file(Path(options["output"]), HEADERS[layout], tracked)
        rows = count * options["hosts"] * options["gpus_per_host"] * LINES_PER_READING[layout]
        self.stderr.write(f"{rows} rows of {count} instants are in {options['output']}")


def _write_file(path: Path, header: str, lines: Iterable[str]) -> None:
    """Write beside the file and rename, so that no reader finds half of it."""
    if path.exists() and not path.is_file():
        raise CommandError(f"{path} is not a regular file; give --output - for standard output")
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            _write(file, header, lines)
        partial.replace(path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _write_stdout(header: str, lines: Iterable[str]) -> None:
    try:
        _write(sys.stdout, header, lines)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has enough (`| head`); keep the interpreter from flushing into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(file: TextIO, header: str, lines: Iterable[str]) -> None:
    file.write(f"{header}\n")
    file.writelines(lines)


def _time(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)
