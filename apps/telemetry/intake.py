"""Messages from outside, checked one by one before they go into the queue."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from apps.telemetry.records import InvalidRecord, check_time, decode, encode


class Accepted(NamedTuple):
    """A valid record as a message: what its key says, and its JSON in our own spelling."""

    hostname: str
    gpu_id: str
    value: bytes


@dataclass(slots=True)
class Intake:
    """What became of the messages; a rejection is the index, from 0, and the reason."""

    accepted: list[Accepted] = field(default_factory=list)
    rejections: list[tuple[int, str]] = field(default_factory=list)


def check(values: Iterable[bytes], earliest: datetime) -> Intake:
    """Check messages in the format of apps/mq/README.md; times before `earliest` are refused."""
    intake = Intake()
    now = datetime.now(UTC)
    for index, value in enumerate(values):
        try:
            record = decode(value)
            check_time(record.timestamp, earliest, now)
        except InvalidRecord as error:
            intake.rejections.append((index, str(error)))
        else:
            accepted = Accepted(record.hostname, str(record.gpu_id), encode(record))
            intake.accepted.append(accepted)
    return intake
