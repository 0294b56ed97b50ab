"""Batches of the queue as records, and the messages that are none. Pure, but for a bug's log."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from apps.mq import Batch, Received
from apps.telemetry.dead_letters import Unstorable
from apps.telemetry.records import InvalidRecord, Record, check_time, decode
from workers.collector.failures import unexpected

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Decoded:
    """Records with the message that each came from, and what cannot be a record."""

    records: list[Record] = field(default_factory=list)
    messages: list[Received] = field(default_factory=list)
    unstorable: list[Unstorable] = field(default_factory=list)


def decode_batches(batches: Iterable[Batch], earliest: datetime, now: datetime) -> Decoded:
    """Decode every message; a bad one is set aside with its reason and stops nothing."""
    decoded = Decoded()
    bug: Exception | None = None
    for batch in batches:
        for message in batch.messages:
            try:
                record = decode(message.value)
                check_time(record.timestamp, earliest, now)
            except InvalidRecord as error:
                decoded.unstorable.append(Unstorable(*message, str(error)))
                continue
            except Exception as error:
                decoded.unstorable.append(Unstorable(*message, unexpected(error)))
                bug = error
                continue
            decoded.records.append(record)
            decoded.messages.append(message)
    if bug:  # one of them: a flood of such messages must not flood the log
        logger.error("a message made decoding fail; it is a dead letter", exc_info=bug)
    return decoded
