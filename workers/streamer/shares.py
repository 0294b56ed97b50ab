"""Who streams what, and how far it is: alone, or as one of a group of streamers."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from apps.mq import EtcdError, Group, PublishStopped, Refused
from apps.mq.outage import Outage

logger = logging.getLogger(__name__)

T = TypeVar("T")
PAUSE_S = 0.5


class Shares(Protocol):
    """What a streamer asks before it reads a part of a file, and says after."""

    @property
    def part_bytes(self) -> int | None:
        """The size of the parts that files are divided into; None keeps them whole."""

    @property
    def lasting(self) -> bool:
        """Whether offsets outlive this process, so that they must not run ahead of etcd."""

    def is_mine(self, piece: str) -> bool:
        """Whether it is this streamer's to read now."""

    def offsets(self) -> dict[str, int]:
        """How far parts are read. Raises EtcdError."""

    def set_offset(self, piece: str, offset: int) -> None:
        """Remember it. Raises EtcdError."""


class Alone:
    """Everything is mine, and forgotten at the end."""

    part_bytes = None
    lasting = False

    def __init__(self) -> None:
        self._offsets: dict[str, int] = {}

    def is_mine(self, _piece: str) -> bool:
        """Always."""
        return True

    def offsets(self) -> dict[str, int]:
        """What this process has read."""
        return self._offsets

    def set_offset(self, piece: str, offset: int) -> None:
        """Remember it in this process."""
        self._offsets[piece] = offset


class Shared:
    """A group's: parts of files, progress in etcd, whose outages are waited out.

    Once `stop` is set the waiting ends with PublishStopped.
    """

    lasting = True

    def __init__(self, group: Group, part_bytes: int, stop: threading.Event) -> None:
        self._group = group
        self._stop = stop
        self._outage = Outage("sharing the work", logger)
        self.part_bytes = part_bytes

    def is_mine(self, piece: str) -> bool:
        """By rendezvous over the group's live members."""
        return self._group.is_mine(piece)

    def offsets(self) -> dict[str, int]:
        """The group's."""
        return self._patiently(self._group.offsets)

    def set_offset(self, piece: str, offset: int) -> None:
        """For the whole group."""
        self._patiently(lambda: self._group.set_offset(piece, offset))

    def _patiently(self, call: Callable[[], T]) -> T:
        while True:
            try:
                answer = call()
            except Refused:
                raise
            except EtcdError as error:
                self._outage.begin(error)
                if self._stop.wait(PAUSE_S):
                    raise PublishStopped(f"the progress of files is not kept: {error}") from error
            else:
                self._outage.end()
                return answer
