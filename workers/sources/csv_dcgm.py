"""Rows of a DCGM export, one metric of one GPU each, row by row: for rows that need a closer look.

What is learned of GPUs and metrics serves `csv_dcgm_columns` too.
"""

import re
from collections.abc import Iterable, Sequence
from operator import itemgetter

from apps.telemetry.csv_header import Header
from apps.telemetry.metrics import BY_DCGM_NAME
from apps.telemetry.records import InvalidRecord
from workers.sources.cells import TimeReader
from workers.sources.csv_columns import Field, field_of
from workers.sources.csv_identity import Gpu, gpu_of
from workers.sources.csv_window import Window
from workers.sources.dcgm_labels import gpu_facts
from workers.sources.draft import Draft
from workers.sources.memory import CACHED_GPU_BYTES, CACHED_GPUS, Memory

CACHED_METRICS = 10_000

WHO = ("uuid", "gpu_id", "hostname", "device", "model_name", "container", "pod", "namespace")
_METRIC_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]{0,199}\Z")


class DcgmRows:
    """Puts rows into `window`, from which they come as drafts."""

    def __init__(self, header: Header, read_time: TimeReader, window_rows: int) -> None:
        columns = header.columns
        self.window = Window(window_rows)
        self.read_time = read_time
        self.time_at, self.metric_at, self.value_at, self.uuid_at = (
            columns[name] for name in ("timestamp", "metric_name", "value", "uuid")
        )
        self.labels_at = columns.get("labels_raw")
        self.who_names = tuple(name for name in WHO if name in columns)
        self.who_at = tuple(columns[name] for name in self.who_names)
        self._width = header.width
        self._who = itemgetter(*self.who_at)
        self._gpus = Memory[tuple[str, ...], Gpu](CACHED_GPUS, CACHED_GPU_BYTES)
        self._fields: dict[str, Field] = {}

    def read(
        self,
        rows: Iterable[list[str]],
        lines: Sequence[int],
        rejected: list[tuple[int, str]],
        begins_at: int = 0,
    ) -> list[Draft]:
        """The drafts that leave the window; a row that is of no use is appended to `rejected`."""
        for line, row in zip(lines, rows, strict=True):
            try:
                if len(row) == self._width:
                    self._add(row, begins_at)
                elif row:
                    raise InvalidRecord(f"{len(row)} fields, the header has {self._width}")
            except InvalidRecord as error:
                rejected.append((line, str(error)))
        return self.window.release()

    def finish(self) -> list[Draft]:
        """The drafts that are still held, at the end of the file."""
        return self.window.release_all()

    def gpu(self, who: tuple[str, ...], labels: str) -> Gpu:
        """The GPU of these texts under `who_names`. Raises InvalidRecord.

        Only the labels of its first row count.
        """
        if found := self._gpus.get(who):
            return found
        fields: dict[str, object] = dict(zip(self.who_names, who, strict=True))
        # As text even where it is all digits: these are names.
        placement = {
            name: value
            for name in ("container", "pod", "namespace")
            if (value := fields.pop(name, ""))
        }
        found = gpu_of({**gpu_facts(labels), **fields, "extra": placement})
        self._gpus.add(who, found, sum(map(len, who)) + found.size_bytes)
        return found

    def knows_gpu(self, who: tuple[str, ...]) -> bool:
        """Whether `gpu` needs no labels."""
        return who in self._gpus

    def field(self, name: str) -> Field:
        """The field of a metric under DCGM's name. Raises InvalidRecord."""
        if found := self._fields.get(name):
            return found
        if not _METRIC_NAME.match(name):
            raise InvalidRecord(f"metric_name: {name[:80]!r} is not a metric's name")
        if len(self._fields) >= CACHED_METRICS:
            self._fields.clear()
        found = self._fields[name] = field_of(name, BY_DCGM_NAME.get(name))
        return found

    def _add(self, row: list[str], begins_at: int) -> None:
        gpu = self.gpu(self._who(row), row[self.labels_at] if self.labels_at is not None else "")
        timestamp = self.read_time(row[self.time_at])
        field = self.field(row[self.metric_at])
        value = field.read(row[self.value_at])
        group = self.window.group(row[self.uuid_at], timestamp, gpu, begins_at)
        group.rows += 1
        self.window.held_rows += 1
        if value is None:  # blank: the GPU was there, the metric was not
            return
        if field.is_known:
            group.values[field.name] = field.fragment(value)
        else:
            self.window.add_extra(group, field.name, field.fragment(value))
