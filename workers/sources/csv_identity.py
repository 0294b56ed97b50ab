"""Which GPU a row is about, in the form that goes into messages."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from workers.sources.cells import identity
from workers.sources.csv_columns import head_of


class Gpu(NamedTuple):
    """`head` is the JSON of the identity, from the comma before it on; no brace closes it.

    `extra` maps names to JSON with the name, for what has no field of its own.
    """

    hostname: str
    gpu_id: str
    head: str
    extra: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        """How long its texts are, about."""
        return len(self.head) + sum(map(len, self.extra.values()))


def gpu_of(fields: Mapping[str, Any]) -> Gpu:
    """The GPU of these fields of a record. Raises InvalidRecord."""
    known = identity(fields)
    extra = known.pop("extra", {})
    return Gpu(
        hostname=known["hostname"],
        gpu_id=str(known["gpu_id"]),
        head="".join(head_of(name) + _json(value) for name, value in known.items()),
        extra={name: head_of(name) + _json(value) for name, value in extra.items()},
    )


def extra_of(fragments: str) -> str:
    """The field `extra` of a message, from the comma before it on; nothing if it is empty."""
    return f',"extra":{{{fragments[1:]}}}' if fragments else ""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
