"""A message that lacks its time: what sources make, so that encoding can be done in bulk."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from apps.mq import Message
from apps.telemetry.records import Record, encode

HEAD = b'{"timestamp":'


class Draft(NamedTuple):
    """One record, encoded but for its timestamp.

    `body` is the JSON object of the record from the comma behind the timestamp on, so that any
    timestamp can be put before it. The fields in it are valid.
    """

    timestamp: datetime
    hostname: str
    gpu_id: str
    body: bytes


def draft_of(record: Record) -> Draft:
    """The draft of one record; sources that have many at once build bodies by other means."""
    value = encode(record)
    body = value[value.index(b",") :]
    return Draft(record.timestamp, record.hostname, str(record.gpu_id), body)


def messages_of(drafts: Iterable[Draft]) -> list[Message]:
    """The messages to publish, in the order of the drafts."""
    messages: list[Message] = []
    last: datetime | None = None
    start = b""
    for timestamp, hostname, gpu_id, body in drafts:
        if timestamp != last:  # the records of an instant come together
            start = HEAD + msgspec.json.encode(timestamp)
            last = timestamp
        messages.append(Message(hostname, gpu_id, start + body))
    return messages
