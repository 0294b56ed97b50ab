"""What a live source is: something that is asked at an interval what its GPUs say now."""

from typing import Protocol

from workers.sources.source import Chunk


class LiveSource(Protocol):
    """One target or library; never asked twice at once, but from changing threads."""

    @property
    def name(self) -> str:
        """What to call it in a report; unique among the sources of a run."""

    @property
    def shared(self) -> bool:
        """Whether any streamer may sample it; False for what belongs to this host."""

    def sample(self) -> Chunk:
        """What the GPUs say at this instant. Raises SourceError when it cannot be asked."""

    def close(self) -> None:
        """Let go of connections; it is not asked again."""
