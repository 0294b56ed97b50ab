"""What a streamer is to read: found again and again, until there can be nothing more."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workers.sources.paths import find_csv_files
from workers.sources.source import Source, SourceError
from workers.streamer.parts import Part, identify, parts_of
from workers.streamer.report import Report
from workers.streamer.shares import Shares


@dataclass(frozen=True)
class Task:
    """One source to stream now.

    It counts as read at the offset `limit`, whatever the source says, unless it is `growing`. One
    that is not `divisible` can only be gone on with from its beginning.
    """

    name: str
    source: Source
    limit: int = 0
    growing: bool = False
    divisible: bool = True


class Work(Protocol):
    """Where a streamer's tasks come from."""

    @property
    def over(self) -> bool:
        """Whether the last look has shown that nothing more can come."""

    @property
    def lasting(self) -> bool:
        """Whether what is settled outlives this process."""

    def look(self) -> Sequence[Task]:
        """What is to be streamed now, maybe nothing. Raises EtcdError."""

    def settle(self, task: Task, offset: int) -> None:
        """A task's rows before `offset` are published. Raises EtcdError."""

    def give_up(self, task: Task) -> None:
        """A task's source cannot be read now."""


class Files:
    """The CSV files that paths mean.

    Once, they are looked for once; with `watch` again and again, and read as they grow; with `loop`
    every look begins them anew. `open_part` makes a source of a part and the offset to go on from.
    """

    def __init__(
        self,
        paths: Iterable[str],
        open_part: Callable[[Part, int], Source],
        shares: Shares,
        report: Report,
        *,
        watch: bool = False,
        loop: bool = False,
    ) -> None:
        self._paths = list(paths)
        self._open_part = open_part
        self._shares = shares
        self._report = report
        self._watch = watch
        self._loop = loop
        self._parts: list[tuple[Part, int]] = []
        self._looked = False
        # Up to where a file was read that had no more: until it grows it need not be opened.
        self._read_to: dict[str, int] = {}
        self.over = False

    @property
    def lasting(self) -> bool:
        """As the shares are."""
        return self._shares.lasting

    def look(self) -> Sequence[Task]:
        """This streamer's parts that are not read yet. Raises EtcdError."""
        if self._watch or self._loop or not self._looked:
            self._parts = self._find()
            self._looked = True
        offsets = {} if self._loop else self._shares.offsets()
        left = [
            (part, limit, offsets.get(part.name, part.start))
            for part, limit in self._parts
            if self._is_left(part, limit, offsets)
        ]
        self.over = not (self._watch or self._loop or left)
        return [
            self._task(part, limit, offset)
            for part, limit, offset in left
            if self._shares.is_mine(part.name)
        ]

    def settle(self, task: Task, offset: int) -> None:
        """Remember how far a part is read. Raises EtcdError."""
        if not self._loop:
            self._read_to[task.name] = task.limit
            self._shares.set_offset(task.name, offset)

    def give_up(self, task: Task) -> None:
        """Leave it alone until it has grown; others of the group may be able to read it."""
        self._read_to[task.name] = task.limit

    def _task(self, part: Part, limit: int, offset: int) -> Task:
        open_ended = part.end is None or part.end > limit
        return Task(
            part.name,
            self._open_part(part, offset),
            limit,
            growing=self._watch and open_ended and not part.compressed,
            divisible=not part.compressed,
        )

    def _is_left(self, part: Part, limit: int, offsets: dict[str, int]) -> bool:
        if self._loop:
            return True
        if self._read_to.get(part.name) == limit:
            return False
        done = offsets.get(part.name)
        return done is None or done < limit

    def _find(self) -> list[tuple[Part, int]]:
        files, errors = find_csv_files(self._paths)
        if not self._watch:  # what is not there yet may come
            for error in errors:
                self._report.source_failed(error)
        return [found for path in files for found in self._parts_of(path)]

    def _parts_of(self, path: Path) -> list[tuple[Part, int]]:
        try:
            size, found = path.stat().st_size, identify(path) if path.is_file() else None
        except FileNotFoundError as error:
            if not self._watch:
                self._report.source_failed(SourceError(f"{path}: {error.strerror}"))
            return []
        except OSError as error:
            self._report.source_failed(SourceError(f"{path}: cannot be read: {error.strerror}"))
            return []
        if found is None:
            # A pipe; or a file without a row, which is an error now and may have one later.
            return [] if self._watch else [(Part(str(path), path), size)]
        parts = parts_of(path, found, size, self._shares.part_bytes)
        return [(part, part.limit(size)) for part in parts]
