"""Puts messages that cannot be stored aside, so that they neither get lost nor stop the others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db.models import QuerySet

from apps.telemetry.models import DeadLetter

# A reason may quote what it complains about.
MAX_REASON = 2000
# Values travel in the statement as hexadecimal text, so one statement holds only so many.
STATEMENT_BYTES = 8 << 20
STATEMENT_LETTERS = 1000


@dataclass(frozen=True, slots=True)
class Unstorable:
    """A message and why it is no sample."""

    key: bytes
    value: bytes
    reason: str


def bury(cluster: str, letters: Iterable[Unstorable]) -> None:
    """Keep messages as dead letters; the same message again changes nothing.

    Any bytes can be kept. Raises django.db.DatabaseError; some letters may be kept then.
    """
    for some in _portions(letters):
        DeadLetter.objects.bulk_create(
            [_row(cluster, letter) for letter in some], ignore_conflicts=True
        )


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


def _row(cluster: str, letter: Unstorable) -> DeadLetter:
    return DeadLetter(
        cluster=cluster,
        digest=sha256(letter.key + b"\0" + letter.value).digest(),
        key=_text(letter.key),
        value=letter.value,
        reason=_text(letter.reason[:MAX_REASON].encode(errors="replace")),
    )


def _text(data: bytes) -> str:
    """Readable, and without the NUL that PostgreSQL refuses in text."""
    return data.decode(errors="backslashreplace").replace("\0", "\\x00")


def _portions(letters: Iterable[Unstorable]) -> Iterator[list[Unstorable]]:
    portion: list[Unstorable] = []
    size_bytes = 0
    for letter in letters:
        size_bytes += len(letter.key) + len(letter.value)
        if portion and (size_bytes > STATEMENT_BYTES or len(portion) == STATEMENT_LETTERS):
            yield portion
            portion, size_bytes = [], len(letter.key) + len(letter.value)
        portion.append(letter)
    if portion:
        yield portion
