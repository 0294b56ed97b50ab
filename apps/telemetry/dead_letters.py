"""Puts messages that cannot be stored aside, so that they neither get lost nor stop the others."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from apps.telemetry.models import DeadLetter


@dataclass(frozen=True, slots=True)
class Unstorable:
    """A message and why it is no sample."""

    key: bytes
    value: bytes
    reason: str


def bury(cluster: str, letters: Iterable[Unstorable]) -> None:
    """Keep messages as dead letters; the same message again changes nothing."""
    DeadLetter.objects.bulk_create(
        [
            DeadLetter(
                cluster=cluster,
                digest=sha256(letter.key + b"\0" + letter.value).digest(),
                key=_text(letter.key),
                value=letter.value,
                reason=_text(letter.reason.encode(errors="replace")),
            )
            for letter in letters
        ],
        ignore_conflicts=True,
    )


def _text(data: bytes) -> str:
    """Readable, and without the NUL that PostgreSQL refuses in text."""
    return data.decode(errors="backslashreplace").replace("\0", "\\x00")
