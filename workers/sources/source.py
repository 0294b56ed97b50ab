"""What a source is: something that yields chunks of drafts and names what it had to reject."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from workers.sources.draft import Draft


class SourceError(Exception):
    """A source as a whole cannot be read; the message names it and says why."""


class Rejection(NamedTuple):
    """One row that is not a record: where it is (`line` counts from 1) and why."""

    source: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.reason}"


@dataclass(slots=True)
class Chunk:
    """A bounded piece of a source.

    `rows` counts everything read, rejected rows included; `bytes_done` counts from the start. All
    rows before the offset `resume_at` are in this or an earlier chunk.
    """

    rows: int = 0
    bytes_done: int = 0
    drafts: list[Draft] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    resume_at: int = 0


class Source(Protocol):
    """A place that records come from; each call of `chunks` reads it from the start."""

    @property
    def name(self) -> str:
        """What to call it in a report."""

    @property
    def total_bytes(self) -> int | None:
        """How much there is to read, if that is known."""

    def chunks(self) -> Iterator[Chunk]:
        """Everything there is, in bounded pieces. Raises SourceError."""
