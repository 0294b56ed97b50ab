"""Rows of one metric each put together to one draft per GPU and instant, in bounded memory."""

from datetime import datetime

from apps.telemetry.records import InvalidRecord
from workers.sources.csv_identity import Gpu, extra_of
from workers.sources.draft import Draft

# Rows of one instant may lie apart: this many are held before the oldest draft goes out, and no
# more groups and texts. A record that goes out in parts is put together again by the store.
WINDOW_ROWS = 100_000
WINDOW_GROUPS = 12_000  # about 12 MB, if each is another GPU's
WINDOW_TEXT_BYTES = 16 << 20  # of labels and other metrics: those that we know are short
MAX_EXTRA = 1000  # DCGM has some 300 fields; a message must fit into one request to etcd


class Group:
    """What is known so far of one GPU at one instant, each value as JSON with its name."""

    __slots__ = ("begins_at", "extra", "gpu", "rows", "text_bytes", "timestamp", "values")

    def __init__(self, gpu: Gpu, timestamp: datetime, begins_at: int) -> None:
        self.gpu = gpu
        self.timestamp = timestamp
        self.begins_at = begins_at
        self.rows = 0
        self.text_bytes = gpu.size_bytes
        self.values: dict[str, str] = {}
        self.extra = dict(gpu.extra) if gpu.extra else None

    def add_extra(self, name: str, fragment: str) -> None:
        """Keep a metric that has no column. Raises InvalidRecord at one too many."""
        if self.extra is None:
            self.extra = {}
        elif len(self.extra) >= MAX_EXTRA and name not in self.extra:
            raise InvalidRecord(f"{name}: the GPU has {MAX_EXTRA} other metrics at this instant")
        self.extra[name] = fragment
        self.text_bytes += len(fragment)

    def draft(self) -> Draft:
        """The draft of what is known."""
        gpu = self.gpu
        extra = extra_of("".join(self.extra.values())) if self.extra else ""
        body = f"{gpu.head}{''.join(self.values.values())}{extra}}}"
        return Draft(self.timestamp, gpu.hostname, gpu.gpu_id, body.encode())


class Window:
    """The groups that may still grow, the oldest first.

    Whoever adds rows or other metrics to a group counts them here too.
    """

    def __init__(self, window_rows: int, window_groups: int = WINDOW_GROUPS) -> None:
        self._window_rows = window_rows
        self._window_groups = window_groups
        self._groups: dict[tuple[str, datetime], Group] = {}
        self.held_rows = 0
        self.held_text_bytes = 0

    def group(self, uuid: str, timestamp: datetime, gpu: Gpu, begins_at: int) -> Group:
        """The group of this GPU and instant; `begins_at` counts if it is a new one."""
        group = self._groups.get((uuid, timestamp))
        if group is None:
            group = self._groups[uuid, timestamp] = Group(gpu, timestamp, begins_at)
            group.text_bytes += len(uuid)
            self.held_text_bytes += group.text_bytes
        return group

    def add_extra(self, group: Group, name: str, fragment: str) -> None:
        """Add a metric that has no column to a group of this window. Raises InvalidRecord."""
        before = group.text_bytes
        group.add_extra(name, fragment)
        self.held_text_bytes += group.text_bytes - before

    def release(self) -> list[Draft]:
        """The drafts that leave the window, the oldest first."""
        leaving: list[tuple[str, datetime]] = []
        # One pass: each new look for a dict's first key passes all that was deleted before it.
        for key, group in self._groups.items():
            if self._has_room(len(self._groups) - len(leaving)):
                break
            self.held_rows -= group.rows
            self.held_text_bytes -= group.text_bytes
            leaving.append(key)
        return [self._groups.pop(key).draft() for key in leaving]

    def release_all(self) -> list[Draft]:
        """The drafts that are still held, at the end of the file."""
        self.held_rows = self.held_text_bytes = 0
        return [self._groups.pop(key).draft() for key in list(self._groups)]

    def resume_at(self, position: int) -> int:
        """Where to read again what is held, if everything before `position` was added."""
        oldest = next(iter(self._groups.values()), None)
        return position if oldest is None else oldest.begins_at

    def _has_room(self, groups: int) -> bool:
        return (
            self.held_rows <= self._window_rows
            and groups <= self._window_groups
            and self.held_text_bytes <= WINDOW_TEXT_BYTES
        )
