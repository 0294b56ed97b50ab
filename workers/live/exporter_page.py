"""A page of dcgm-exporter, Prometheus' text format, to one record per GPU and instant."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from apps.telemetry.metrics import BY_DCGM_NAME
from apps.telemetry.records import EPOCH, InvalidRecord, Record
from workers.live.exporter_series import Series, read_series
from workers.sources.cells import Number, NumberReader, TimeCheck, number_reader
from workers.sources.draft import draft_of
from workers.sources.source import Chunk, Rejection, SourceError

PREFIX = "DCGM_"
MAX_REJECTIONS = 1000
MAX_RECORD_BYTES = 256 * 1024  # a message must fit into one request to etcd
MAX_NAME = 200


@dataclass(slots=True)
class _Group:
    """What is known so far of one GPU at one instant; pods that share it are listed by commas."""

    series: Series
    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)

    def meet(self, series: Series) -> None:
        """Take over the labels of the next series."""
        self.series = series
        for name, value in series.labels.items():
            values = self.labels.setdefault(name, [])
            if value not in values:
                values.append(value)

    def record(self, timestamp: datetime) -> Record:
        """The record, all of whose values were validated one by one."""
        extra = {name: ",".join(values) for name, values in self.labels.items()} | self.extra
        return Record(
            timestamp=timestamp, **self.series.identity, **self.values, extra=extra or None
        )


class ExporterPages:
    """Reads the pages of one target; the labels of one page are remembered for the next.

    A GPU has the same labels on all its metrics, so a line costs a look into a dictionary.
    """

    def __init__(
        self, name: str, host: str, labels: Mapping[str, str], check_time: TimeCheck
    ) -> None:
        self._name = name
        self._host = host
        self._labels = labels
        self._check_time = check_time
        self._before: dict[str, Series | None] = {}
        self._now: dict[str, Series | None] = {}

    def read(self, page: bytes, scraped_at: datetime) -> Chunk:
        """The records of a page; a sample without a time of its own is of `scraped_at`.

        Raises SourceError for a page that is none of dcgm-exporter's.
        """
        self._before, self._now = self._now, {}
        groups: dict[tuple[str, datetime], _Group] = {}
        chunk = Chunk(bytes_done=len(page))
        for number, line in enumerate(page.decode(errors="replace").split("\n"), 1):
            if not line.startswith(PREFIX):
                continue
            try:
                chunk.rows += self._add(line, groups, scraped_at)
            except InvalidRecord as error:
                chunk.rows += 1
                self._reject(chunk, number, str(error))
        if not groups and not chunk.rejections:
            raise SourceError(
                f"{self._name}: the page holds no DCGM metric of a GPU; is this dcgm-exporter, and"
                " does it see its GPUs?"
            )
        for (_, timestamp), group in groups.items():
            draft = draft_of(group.record(timestamp))
            if len(draft.body) > MAX_RECORD_BYTES:
                self._reject(chunk, 0, f"{group.series.uuid}: over {MAX_RECORD_BYTES} bytes")
            else:
                chunk.drafts.append(draft)
        return chunk

    def _add(
        self, line: str, groups: dict[tuple[str, datetime], _Group], scraped_at: datetime
    ) -> bool:
        """Read one line; False if it is about no GPU. Raises InvalidRecord."""
        name, brace, rest = line.partition("{")
        labels, end, tail = rest.rpartition("}")
        if not end:
            if brace:
                raise InvalidRecord(f"labels without an end: {line[:80]!r}")
            return False
        series = self._now[labels] if labels in self._now else self._learn(labels)
        if series is None:
            return False
        value, timestamp = self._value_and_time(tail, scraped_at)
        field_name, is_known, read = metric_reader(name)
        number = read(value)
        group = groups.get((series.uuid, timestamp))
        if group is None:
            group = groups[series.uuid, timestamp] = _Group(series)
        if series is not group.series or not group.labels:
            group.meet(series)
        if number is not None:  # blank: the GPU was there, the metric was not
            if is_known and not series.suffix:
                group.values[field_name] = number
            else:
                group.extra[name.rstrip() + series.suffix] = number
        return True

    def _value_and_time(self, tail: str, scraped_at: datetime) -> tuple[str, datetime]:
        words = tail.split()
        if len(words) == 1:
            return words[0], scraped_at
        if len(words) != 2:
            raise InvalidRecord(f"{tail[:80]!r} is not a value and a time")
        return words[0], self._own_time(words[1])

    def _learn(self, labels: str) -> Series | None:
        if labels in self._before:
            series = self._before[labels]
        else:
            series = read_series(labels, self._host, self._labels)
        self._now[labels] = series
        return series

    def _own_time(self, text: str) -> datetime:
        try:
            timestamp = EPOCH + timedelta(milliseconds=int(text))
        except (ValueError, OverflowError) as error:
            raise InvalidRecord(f"{text[:80]!r} is not a time in milliseconds") from error
        self._check_time(timestamp)
        return timestamp

    def _reject(self, chunk: Chunk, line: int, reason: str) -> None:
        if len(chunk.rejections) >= MAX_REJECTIONS:
            raise SourceError(
                f"{self._name}: more than {MAX_REJECTIONS} lines of the page are unreadable, the"
                f" last one for: {reason}"
            )
        chunk.rejections.append(Rejection(self._name, line, reason))


@lru_cache(maxsize=4096)
def metric_reader(name: str) -> tuple[str, bool, NumberReader]:
    """A metric's field, whether it has a column, and how its value is read.

    Raises InvalidRecord for a text that is no metric's name.
    """
    name = name.rstrip(" \t")
    if len(name) > MAX_NAME or not name.isascii() or not name.replace(":", "_").isidentifier():
        raise InvalidRecord(f"{name[:80]!r} is not a metric's name")
    metric = BY_DCGM_NAME.get(name)
    return (metric.name if metric else name), metric is not None, _go_number(name)


def _go_number(name: str) -> NumberReader:
    """A reader that also takes what Prometheus writes and JSON does not: NaN, +Inf, +1, 1."""
    read_json = number_reader(name, BY_DCGM_NAME.get(name))

    def read(text: str) -> Number | None:
        try:
            return read_json(text)
        except InvalidRecord:
            try:
                number = float(text)
            except ValueError:
                number = None
            if number is None or "_" in text:
                raise
            return read_json(repr(number)) if math.isfinite(number) else None

    return read
