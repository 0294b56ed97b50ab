"""Puts messages that cannot be stored aside, so that they neither get lost nor stop the others."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.telemetry.models import DeadLetter
from apps.telemetry.records import origin_of

# A reason may quote what it complains about.
MAX_REASON = 2000

_STAGING = """
CREATE TEMPORARY TABLE telemetry_burying
(cluster text, digest bytea, key text, value bytea, reason text,
 uuid text, timestamp timestamptz) ON COMMIT DROP
"""
_TYPES = ("text", "bytea", "text", "bytea", "text", "text", "timestamptz")
_COPY = "COPY telemetry_burying FROM STDIN (FORMAT binary)"
# In the order of the queue, in which requeueing publishes them again.
_KEEP = """
INSERT INTO telemetry_deadletter (
    cluster, digest, key, value, reason, uuid, timestamp, buried_at)
SELECT *, now() FROM telemetry_burying ORDER BY ctid ON CONFLICT (digest) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Unstorable:
    """A message and why it is no sample."""

    key: bytes
    value: bytes
    reason: str


def bury(cluster: str, letters: Iterable[Unstorable]) -> None:
    """Keep messages as dead letters, all or none; the same message again changes nothing.

    Any bytes can be kept. One COPY, whatever their number. Raises django.db.DatabaseError.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_STAGING)
        with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for letter in letters:
                copy.write_row(_row(cluster, letter))
        cursor.execute(_KEEP)


def find(
    cluster: str | None = None, reason: str | None = None, since: datetime | None = None
) -> QuerySet[DeadLetter]:
    """Dead letters of a cluster, whose reason contains a text, buried at a time or after it."""
    letters = DeadLetter.objects.all()
    if cluster is not None:
        letters = letters.filter(cluster=cluster)
    if reason is not None:
        letters = letters.filter(reason__icontains=reason)
    if since is not None:
        letters = letters.filter(buried_at__gte=since)
    return letters


def readable(data: bytes | str) -> str:
    """Bytes or text as people can look at it: nothing in it moves the cursor of a terminal."""
    text = data if isinstance(data, str) else data.decode(errors="backslashreplace")
    return "".join(
        char if char.isprintable() or char in "\n\t" else _escaped(char) for char in text
    )


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def _row(cluster: str, letter: Unstorable) -> tuple[object, ...]:
    return (
        cluster,
        sha256(letter.key + b"\0" + letter.value).digest(),
        _text(letter.key),
        letter.value,
        _text(letter.reason[:MAX_REASON].encode(errors="replace")),
        *origin_of(letter.value),
    )


def _text(data: bytes) -> str:
    """Readable, and without the NUL that PostgreSQL refuses in text."""
    return data.decode(errors="backslashreplace").replace("\0", "\\x00")
