"""Rows of a DCGM export, one metric of one GPU each, pivoted to one record per GPU and instant."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from apps.telemetry.csv_header import Header
from apps.telemetry.metrics import BY_DCGM_NAME
from apps.telemetry.records import InvalidRecord, Record
from workers.sources.cells import Number, NumberReader, TimeReader, identity, number_reader
from workers.sources.dcgm_labels import gpu_facts

# Rows of one instant may lie apart: this many rows are held before the oldest record goes out. A
# record that goes out in parts is put together again by the store. At worst, with one row per
# record, this takes about 50 MB.
WINDOW_ROWS = 100_000
CACHED_GPUS = 20_000
CACHED_METRICS = 10_000
MAX_EXTRA = 1000  # DCGM has some 300 fields; a message must fit into one request to etcd

WHO = ("uuid", "gpu_id", "hostname", "device", "model_name", "container", "pod", "namespace")
_METRIC_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]{0,199}\Z")


@dataclass(slots=True)
class _Group:
    """What is known so far of one GPU at one instant."""

    identity: dict[str, Any]
    values: dict[str, Number]
    extra: dict[str, Any]
    rows: int = 0

    def add_extra(self, name: str, value: Number) -> None:
        """Keep a metric that has no column. Raises InvalidRecord at one too many."""
        if len(self.extra) >= MAX_EXTRA and name not in self.extra:
            raise InvalidRecord(f"{name}: the GPU has {MAX_EXTRA} other metrics at this instant")
        self.extra[name] = value


class DcgmRows:
    """Pivots rows within a window of `window_rows`."""

    def __init__(
        self, header: Header, read_time: TimeReader, window_rows: int = WINDOW_ROWS
    ) -> None:
        columns = header.columns
        self._width = header.width
        self._read_time = read_time
        self._window_rows = window_rows
        self._time_at, self._metric_at, self._value_at, self._uuid_at = (
            columns[name] for name in ("timestamp", "metric_name", "value", "uuid")
        )
        self._labels_at = columns.get("labels_raw")
        self._who_names = tuple(name for name in WHO if name in columns)
        self._who = itemgetter(*(columns[name] for name in self._who_names))
        self._gpus: dict[tuple[str, ...], dict[str, Any]] = {}
        self._metrics: dict[str, tuple[str, bool, NumberReader]] = {}
        self._groups: dict[tuple[str, datetime], _Group] = {}
        self._held_rows = 0

    def read(
        self, rows: Iterable[list[str]], lines: Sequence[int], rejected: list[tuple[int, str]]
    ) -> list[Record]:
        """The records that leave the window; a row that is of no use is appended to `rejected`."""
        for line, row in zip(lines, rows, strict=True):
            try:
                if len(row) == self._width:
                    self._add(row)
                elif row:
                    raise InvalidRecord(f"{len(row)} fields, the header has {self._width}")
            except InvalidRecord as error:
                rejected.append((line, str(error)))
        return self._release(self._window_rows)

    def finish(self) -> list[Record]:
        """The records that are still held, at the end of the file."""
        return self._release(0)

    def _add(self, row: list[str]) -> None:
        who = self._who(row)
        gpu = self._gpus.get(who) or self._learn_gpu(who, row)
        timestamp = self._read_time(row[self._time_at])
        metric = row[self._metric_at]
        field, is_known, read = self._metrics.get(metric) or self._learn_metric(metric)
        value = read(row[self._value_at])
        key = (row[self._uuid_at], timestamp)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(gpu, {}, dict(gpu.get("extra", ())))
        group.rows += 1
        self._held_rows += 1
        if value is None:  # blank: the GPU was there, the metric was not
            return
        if is_known:
            group.values[field] = value
        else:
            group.add_extra(field, value)

    def _learn_gpu(self, who: tuple[str, ...], row: list[str]) -> dict[str, Any]:
        fields = dict(zip(self._who_names, who, strict=True))
        # As text even where it is all digits: these are names.
        placement = {
            name: value
            for name in ("container", "pod", "namespace")
            if (value := fields.pop(name, ""))
        }
        facts = gpu_facts(row[self._labels_at]) if self._labels_at is not None else {}
        gpu = identity({**facts, **fields, "extra": placement})
        if len(self._gpus) >= CACHED_GPUS:
            self._gpus.clear()
        self._gpus[who] = gpu
        return gpu

    def _learn_metric(self, name: str) -> tuple[str, bool, NumberReader]:
        if not _METRIC_NAME.match(name):
            raise InvalidRecord(f"metric_name: {name[:80]!r} is not a metric's name")
        metric = BY_DCGM_NAME.get(name)
        if len(self._metrics) >= CACHED_METRICS:
            self._metrics.clear()
        learned = (metric.name if metric else name, metric is not None, number_reader(name, metric))
        self._metrics[name] = learned
        return learned

    def _release(self, keep_rows: int) -> list[Record]:
        """Make records of the oldest groups until at most `keep_rows` rows are held."""
        records: list[Record] = []
        while self._groups and self._held_rows > keep_rows:
            key = next(iter(self._groups))
            group = self._groups.pop(key)
            self._held_rows -= group.rows
            fields = {**group.identity, **group.values}
            if group.extra:
                fields["extra"] = group.extra
            records.append(Record(timestamp=key[1], **fields))
        return records
