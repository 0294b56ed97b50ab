"""A file that lists targets as Prometheus' file_sd does, read again when it changes."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import yaml

from workers.live.address import Address, read_address
from workers.sources.source import SourceError

logger = logging.getLogger(__name__)

YAML_SUFFIXES = (".yml", ".yaml")


class _Group(msgspec.Struct):
    targets: list[str]
    labels: dict[str, str] = {}


class TargetsFile:
    """The targets of a file; a broken file changes nothing and is logged once.

    Raises SourceError if it is broken at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._signature()
        self._addresses = read_targets(path)

    def addresses(self) -> Sequence[Address]:
        """The targets as the file had them when it was last sound."""
        seen = self._signature()
        if seen != self._seen:
            self._seen = seen
            try:
                self._addresses = read_targets(self._path)
                logger.info("%s: %d targets", self._path, len(self._addresses))
            except SourceError as error:
                logger.error("%s; the targets read before are kept", error)
        return self._addresses

    def _signature(self) -> tuple[int, int, int] | None:
        """Changes when the file does; None without a file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def read_targets(path: Path) -> list[Address]:
    """Every target of the file, each once. Raises SourceError."""
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text) if path.suffix in YAML_SUFFIXES else json.loads(text)
        groups = msgspec.convert(content or [], list[_Group])
        return list({address.url: address for address in _addresses(groups)}.values())
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, yaml.YAMLError, SourceError) as error:
        raise SourceError(
            f'{path}: is not a list like [{{"targets": ["host:9400"], "labels": {{}}}}]: {error}'
        ) from error


def _addresses(groups: Sequence[_Group]) -> Iterator[Address]:
    for group in groups:
        for target in group.targets:
            yield read_address(target, group.labels)
