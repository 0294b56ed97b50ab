"""Rows of one metric each put together to one draft per GPU and instant, in bounded memory."""

from datetime import datetime

from apps.telemetry.records import InvalidRecord
from workers.sources.csv_identity import Gpu, extra_of
from workers.sources.draft import Draft

# Rows of one instant may lie apart: this many rows are held before the oldest draft goes out. A
# record that goes out in parts is put together again by the store. At worst, with one row per
# record, this takes about 50 MB.
WINDOW_ROWS = 100_000
MAX_EXTRA = 1000  # DCGM has some 300 fields; a message must fit into one request to etcd


class Group:
    """What is known so far of one GPU at one instant, each value as JSON with its name."""

    __slots__ = ("begins_at", "extra", "gpu", "rows", "timestamp", "values")

    def __init__(self, gpu: Gpu, timestamp: datetime, begins_at: int) -> None:
        self.gpu = gpu
        self.timestamp = timestamp
        self.begins_at = begins_at
        self.rows = 0
        self.values: dict[str, str] = {}
        self.extra = dict(gpu.extra) if gpu.extra else None

    def add_extra(self, name: str, fragment: str) -> None:
        """Keep a metric that has no column. Raises InvalidRecord at one too many."""
        if self.extra is None:
            self.extra = {}
        elif len(self.extra) >= MAX_EXTRA and name not in self.extra:
            raise InvalidRecord(f"{name}: the GPU has {MAX_EXTRA} other metrics at this instant")
        self.extra[name] = fragment

    def draft(self) -> Draft:
        """The draft of what is known."""
        gpu = self.gpu
        extra = extra_of("".join(self.extra.values())) if self.extra else ""
        body = f"{gpu.head}{''.join(self.values.values())}{extra}}}"
        return Draft(self.timestamp, gpu.hostname, gpu.gpu_id, body.encode())


class Window:
    """The groups that may still grow, the oldest first."""

    def __init__(self, window_rows: int) -> None:
        self._window_rows = window_rows
        self._groups: dict[tuple[str, datetime], Group] = {}
        self.held_rows = 0

    def group(self, uuid: str, timestamp: datetime, gpu: Gpu, begins_at: int) -> Group:
        """The group of this GPU and instant; `begins_at` counts if it is a new one."""
        group = self._groups.get((uuid, timestamp))
        if group is None:
            group = self._groups[uuid, timestamp] = Group(gpu, timestamp, begins_at)
        return group

    def release(self) -> list[Draft]:
        """The drafts that leave the window, the oldest first."""
        return self._release(self._window_rows)

    def release_all(self) -> list[Draft]:
        """The drafts that are still held, at the end of the file."""
        return self._release(0)

    def resume_at(self, position: int) -> int:
        """Where to read again what is held, if everything before `position` was added."""
        oldest = next(iter(self._groups.values()), None)
        return position if oldest is None else oldest.begins_at

    def _release(self, keep_rows: int) -> list[Draft]:
        leaving: list[tuple[str, datetime]] = []
        if self.held_rows > keep_rows:
            # One pass: each new look for a dict's first key passes all that was deleted before it.
            for key, group in self._groups.items():
                self.held_rows -= group.rows
                leaving.append(key)
                if self.held_rows <= keep_rows:
                    break
        return [self._groups.pop(key).draft() for key in leaving]
