"""What goes through the queue: messages, and batches of them."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Message(NamedTuple):
    """One message to publish: what its key says and its value."""

    hostname: str
    gpu_id: str
    value: bytes


class Received(NamedTuple):
    """One message as read from the queue."""

    key: bytes
    value: bytes


@dataclass(slots=True)
class Batch:
    """Messages that are taken, processed and acknowledged together.

    `ranges` are the half-open key ranges that the messages were read from, `revision` the store's
    revision at the read: an acknowledgement deletes the ranges only if nothing in them is newer.
    `descriptor` is empty for messages of foreign producers, which write none.
    """

    timestamp: int
    ranges: list[tuple[bytes, bytes]]
    descriptor: bytes = b""
    revision: int = 0
    messages: list[Received] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """What the values of its messages occupy."""
        return sum([len(message.value) for message in self.messages])
