"""The arguments that name live sources, and the sources that they mean."""

import argparse
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workers.live.address import Address, read_address
from workers.live.exporter import Exporter
from workers.live.nvml import Nvml
from workers.live.source import LiveSource
from workers.live.targets_file import TargetsFile
from workers.sources.cells import TimeCheck
from workers.sources.source import SourceError

MIN_INTERVAL_S, MAX_INTERVAL_S, DEFAULT_INTERVAL_S = 0.1, 3600.0, 10.0
MAX_TIMEOUT_S = 10.0


def add_live_arguments(parser: argparse.ArgumentParser) -> None:
    """Define --scrape, --targets, --nvml, --interval and --scrape-timeout."""
    parser.add_argument(
        "--scrape", action="append", type=_address, default=[], metavar="URL",
        help="sample a dcgm-exporter, http://host:9400/metrics; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--targets", type=Path, metavar="FILE",
        help="sample the dcgm-exporters of a Prometheus file_sd file (JSON or YAML), which is read"
        " again when it changes",
    )  # fmt: skip
    parser.add_argument(
        "--nvml", action="store_true", help="sample this host's GPUs through NVIDIA's driver"
    )
    parser.add_argument(
        "--interval", type=_seconds, default=DEFAULT_INTERVAL_S, metavar="S",
        help=f"seconds between samples, from {MIN_INTERVAL_S:g} (default: {DEFAULT_INTERVAL_S:g})",
    )  # fmt: skip
    parser.add_argument(
        "--scrape-timeout", type=_seconds, metavar="S",
        help=f"seconds for one scrape (default: the interval, at most {MAX_TIMEOUT_S:g})",
    )  # fmt: skip


def wants_live(options: Mapping[str, Any]) -> bool:
    """Whether the arguments name a live source."""
    return bool(options["scrape"] or options["targets"] or options["nvml"])


class LiveSources:
    """What the arguments mean now: `run_live` calls it to learn of changes.

    Raises SourceError if the targets file is broken, NvmlUnavailable without a driver.
    """

    def __init__(self, options: Mapping[str, Any], check_time: TimeCheck) -> None:
        self._timeout_s = options["scrape_timeout"] or min(options["interval"], MAX_TIMEOUT_S)
        self._check_time = check_time
        self._given: list[Address] = options["scrape"]
        self._file = TargetsFile(options["targets"]) if options["targets"] else None
        self._exporters: dict[Address, Exporter] = {}
        self._nvml = [Nvml.open(socket.gethostname())] if options["nvml"] else []

    def __call__(self) -> Sequence[LiveSource]:
        """Every source there is; those that were there before are the same objects."""
        addresses = [*(self._file.addresses() if self._file else ()), *self._given]
        wanted = {address.url: address for address in addresses}
        self._exporters = {
            address: self._exporters.get(address)
            or Exporter(address, self._timeout_s, self._check_time)
            for address in wanted.values()
        }
        return [*self._nvml, *self._exporters.values()]


def live_sources(options: Mapping[str, Any], check_time: TimeCheck) -> LiveSources:
    """The sources that the arguments name; raises as LiveSources does."""
    return LiveSources(options, check_time)


def _address(text: str) -> Address:
    try:
        return read_address(text)
    except SourceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> float:
    value = float(text)
    if not MIN_INTERVAL_S <= value <= MAX_INTERVAL_S:
        raise argparse.ArgumentTypeError(
            f"{text} is outside {MIN_INTERVAL_S:g} to {MAX_INTERVAL_S:g} s"
        )
    return value
