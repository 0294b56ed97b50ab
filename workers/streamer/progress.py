"""How far a streamer is: a bar on a terminal, now and then a line in a log otherwise."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from workers.streamer.report import Report

logger = logging.getLogger(__name__)

FIRST_LINE_S = 5.0
LONGEST_PAUSE_S = 60.0


class Progress(Protocol):
    """Told about every pass and every step in it."""

    def begin_pass(self, total_bytes: int | None) -> None:
        """A pass over so many bytes begins; None if nobody knows how many."""

    def update(self, bytes_done: int) -> None:
        """So many bytes of the pass are read."""


class Lines:
    """One line every few seconds, later every minute, so that no log fills up."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._since = self._said_at = time.monotonic()
        self._pause_s = FIRST_LINE_S
        self._total_bytes: int | None = None

    def begin_pass(self, total_bytes: int | None) -> None:
        """Remember what a percentage refers to."""
        self._total_bytes = total_bytes

    def update(self, bytes_done: int) -> None:
        """Say something if it is time to."""
        now = time.monotonic()
        if now - self._said_at < self._pause_s:
            return
        self._said_at = now
        self._pause_s = min(LONGEST_PAUSE_S, 1.5 * self._pause_s)
        logger.info(
            "%d rows read%s, %d rejected, %d records, %.0f records/s",
            self._report.rows_read,
            f" ({100 * bytes_done / self._total_bytes:.0f} %)" if self._total_bytes else "",
            self._report.rows_rejected,
            self._report.records,
            self._report.records / (now - self._since),
        )


class TerminalBar:
    """A bar by bytes, with records per second and rejected rows."""

    def __init__(self, report: Report, bar: Bar) -> None:
        self._report = report
        self._bar = bar
        self._since = time.monotonic()
        self._passes = 0
        self._task = bar.add_task("", total=None, rate="", rejected="")

    def begin_pass(self, total_bytes: int | None) -> None:
        """Start the bar again at 0."""
        self._passes += 1
        self._bar.reset(self._task, total=total_bytes, description=f"pass {self._passes}")

    def update(self, bytes_done: int) -> None:
        """Move the bar."""
        rate = self._report.records / max(time.monotonic() - self._since, 1e-9)
        self._bar.update(
            self._task,
            completed=bytes_done,
            rate=f"{rate:.0f} records/s",
            rejected=f"{self._report.rows_rejected} rejected",
        )


@contextlib.contextmanager
def show_progress(report: Report) -> Iterator[Progress]:
    """The progress that suits where standard error goes."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(report)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(),
        TextColumn("{task.fields[rate]}"), TextColumn("{task.fields[rejected]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Bar(*columns, console=console, transient=True) as bar, _log_above_the_bar():
        yield TerminalBar(report, bar)


@contextlib.contextmanager
def _log_above_the_bar() -> Iterator[None]:
    """Log through rich's replacement of standard error, which knows about the bar."""
    handlers = [
        (handler, handler.setStream(sys.stderr))
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler)
    ]
    try:
        yield
    finally:
        for handler, stream in handlers:
            if stream is not None:
                handler.setStream(stream)
