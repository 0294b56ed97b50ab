"""A token as its holder has it: `egt_`, a public prefix that finds it, and a secret.

The secret is 256 random bits, so nobody can try them all, and one round of SHA-256 keeps it as
safe as a slow hash would: those are for passwords, which people choose.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass

MARK = "egt"
_FORM = re.compile(rf"{MARK}_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{43}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenText:
    """The two parts of a token."""

    prefix: str
    secret: str

    def __str__(self) -> str:
        return f"{MARK}_{self.prefix}_{self.secret}"

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the secret, 32 bytes: what is stored."""
        return hashlib.sha256(self.secret.encode()).digest()


def new_token() -> TokenText:
    """A token that nobody has."""
    return TokenText(secrets.token_hex(6), secrets.token_urlsafe(32))


def read_token(text: str) -> TokenText | None:
    """The parts of a token, None if it has not its form (the empty one included)."""
    match = _FORM.fullmatch(text)
    return TokenText(match[1], match[2]) if match else None
