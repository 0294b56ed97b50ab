"""The kinds of sources, each streamed its own way until it ends or is told to stop."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from apps.telemetry.records import check_time
from telemetry_project.queue import queue_config
from workers.live.arguments import live_sources
from workers.live.run import run_live
from workers.restamp import Restamp
from workers.sources.csv_file import CsvFile
from workers.streamer.parts import Part
from workers.streamer.progress import show_progress
from workers.streamer.replay import Replay
from workers.streamer.report import Report
from workers.streamer.session import Session
from workers.streamer.streamer import Streamer, Timing
from workers.streamer.work import Files

# Returns whether all was done that was to be done; the options are those of `runstreamer`.
Stream = Callable[[Session, Report, threading.Event, Mapping[str, Any]], bool]


def stream_files(
    session: Session, report: Report, stop: threading.Event, options: Mapping[str, Any]
) -> bool:
    """CSV files: once, in a loop, or as they grow."""
    loop, watch, speed = options["loop"], options["watch"], options["speed"]
    restamping = loop if options["restamp"] is None else options["restamp"]
    replay = Replay(speed, stop) if speed else None
    restamp = (replay or Restamp()) if restamping else None

    def open_part(part: Part, offset: int) -> CsvFile:
        check = _any_time if restamping else _check_time
        return CsvFile(part.path, check, start=offset, end=part.end, growing=watch)

    work = Files(options["paths"], open_part, session.shares, report, watch=watch, loop=loop)
    with show_progress(report) as progress:
        streamer = Streamer(
            session.publisher, report, progress, stop,
            batch_size=options["batch_size"], timing=Timing(options["rate"], replay, restamp),
        )  # fmt: skip
        complete = streamer.run(work)
    return complete or loop or watch


def stream_live(
    session: Session, report: Report, stop: threading.Event, options: Mapping[str, Any]
) -> bool:
    """Exporters and this host's GPUs, sampled until told to stop.

    Raises SourceError if the targets file is broken, NvmlUnavailable without a driver.
    """
    sources = live_sources(options, _check_time)
    run_live(sources, session.publisher, report, stop, options["interval"], session.shares.is_mine)
    return True


def stream_uploads(
    _session: Session, report: Report, stop: threading.Event, options: Mapping[str, Any]
) -> bool:
    """Files that come through the API, until told to stop."""
    # Here, since models can be imported only where Django is set up and uploads need the database.
    from workers.uploads.streamer import run_uploads  # noqa: PLC0415

    run_uploads(queue_config(options["cluster"]), stop, report)
    return True


def _check_time(timestamp: datetime) -> None:
    check_time(timestamp, settings.SAMPLE_MIN_TIME, datetime.now(UTC))


def _any_time(_timestamp: datetime) -> None:
    """When the time is replaced, the original one only tells which rows belong together."""
