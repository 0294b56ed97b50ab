"""The keys of the queue: how they are made, parsed and ranged over. Pure functions.

    /telemetry/queue/{cluster}/{timestamp}_{hostname}_{gpu_id}_{sequence}   one message each
    /telemetry/batches/{cluster}/{timestamp}                                one descriptor per batch
    /telemetry/members/{cluster}/{role}/{instance}                          leased presence
    /telemetry/offsets/{cluster}/{group}/{piece}                            how far it is read

`{timestamp}` is the publish time in nanoseconds since 1970, 19 digits until the year 2286, so keys
sort by time. A hostname may hold `_`: the timestamp is read up to the first, the GPU id and the
sequence from the last two.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

_TAIL = re.compile(rb"(\d{19})_([^/]+)_([^_/]+)_(\d+)\Z")
# The byte after `_`: `[{ts}_, {ts}\x60)` is exactly the messages of one timestamp.
_AFTER_UNDERSCORE = b"\x60"


@dataclass(frozen=True)
class Keys:
    """The key space of one cluster."""

    cluster: str

    @cached_property
    def queue(self) -> bytes:
        """Prefix of every message."""
        return f"/telemetry/queue/{self.cluster}/".encode()

    @cached_property
    def batches(self) -> bytes:
        """Prefix of every batch descriptor."""
        return f"/telemetry/batches/{self.cluster}/".encode()

    def members(self, role: str) -> bytes:
        """Prefix of the members of a role."""
        return f"/telemetry/members/{self.cluster}/{role}/".encode()

    def offsets(self, group: str) -> bytes:
        """Prefix of what a group of readers remembers."""
        return f"/telemetry/offsets/{self.cluster}/{group}/".encode()

    def descriptor(self, timestamp: int) -> bytes:
        """The descriptor of the batch published at `timestamp` (ns)."""
        return b"%s%019d" % (self.batches, timestamp)

    def message_prefix(self, timestamp: int) -> bytes:
        """What every message of a batch begins with; the start of its range."""
        return b"%s%019d_" % (self.queue, timestamp)

    def message_end(self, timestamp: int) -> bytes:
        """The exclusive end of a batch's range."""
        return b"%s%019d%s" % (self.queue, timestamp, _AFTER_UNDERSCORE)

    def batch_timestamp(self, descriptor: bytes) -> int | None:
        """The timestamp in a descriptor's key, None for a key of another form."""
        tail = descriptor[len(self.batches) :]
        return int(tail) if len(tail) == 19 and tail.isdigit() else None

    def message_timestamp(self, key: bytes) -> int | None:
        """The timestamp in a message's key, None for a key that is not of the format."""
        match = _TAIL.match(key, len(self.queue))
        return int(match[1]) if match else None

    def strange(self, keys: Iterable[bytes]) -> list[bytes]:
        """Those of the keys under the queue's prefix that are not of a message's format."""
        match, start = _TAIL.match, len(self.queue)
        return [key for key in keys if match(key, start) is None]

    def message_origin(self, key: bytes) -> tuple[str, str] | None:
        """The hostname and GPU id in a message's key, None for a key that is not of the format."""
        match = _TAIL.match(key, len(self.queue))
        if match is None:
            return None
        return match[2].decode(errors="replace"), match[3].decode(errors="replace")


def prefix_end(prefix: bytes) -> bytes:
    """The exclusive end of all keys that begin with `prefix` (which does not end in 0xff)."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def after(key: bytes) -> bytes:
    """The smallest key greater than `key`."""
    return key + b"\0"
