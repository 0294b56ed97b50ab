"""Who a token stands for: one indexed lookup, remembered for a few seconds.

Each process remembers by itself, so a token that is revoked may be taken for up to REMEMBERED_S
more. Only tokens that were good are remembered: a new one works at once.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from apps.gateway.access.api_token import ApiToken
from apps.gateway.access.roles import Principal, Role
from apps.gateway.access.token_text import read_token

REMEMBERED_S = 5.0
# More programs than this at once cost lookups, not memory.
REMEMBERED = 4096
# `last_used_at` is written at most so often.
USE_NOTED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    until: float  # of time.monotonic()


# By the SHA-256 of the whole text: nothing here can be used to sign in.
_known: dict[bytes, _Known] = {}


def remembered(text: str) -> Principal | None:
    """Who this token stood for a moment ago, without asking PostgreSQL; None is no refusal."""
    known = _known.get(_key(text))
    return known.principal if known and time.monotonic() < known.until else None


def look_up(text: str) -> Principal | None:
    """Who this token stands for; None if it has no token's form, is unknown, expired or revoked."""
    parts = read_token(text)
    token = parts and ApiToken.objects.filter(prefix=parts.prefix).first()
    if not parts or not token or not hmac.compare_digest(parts.digest, token.secret_sha256):
        return None
    if token.state != "valid":
        return None
    _note_use(token)
    principal = _principal(token)
    _remember(text, principal, _rest_s(token))
    return principal


def forget() -> None:
    """Ask PostgreSQL anew, as a process does that has just started."""
    _known.clear()


def _principal(token: ApiToken) -> Principal:
    clusters = frozenset(token.clusters) if token.clusters else None
    return Principal(f"token {token}", Role(token.role), clusters)


def _remember(text: str, principal: Principal, rest_s: float) -> None:
    if len(_known) >= REMEMBERED:
        _known.clear()
    _known[_key(text)] = _Known(principal, time.monotonic() + min(REMEMBERED_S, rest_s))


def _rest_s(token: ApiToken) -> float:
    if token.expires_at is None:
        return REMEMBERED_S
    return (token.expires_at - timezone.now()).total_seconds()


def _note_use(token: ApiToken) -> None:
    """Only a lookup comes here, so no request that was remembered ever waits for this."""
    now = timezone.now()
    if token.last_used_at and now - token.last_used_at < USE_NOTED:
        return
    recent = Q(last_used_at__gt=now - USE_NOTED)
    ApiToken.objects.filter(pk=token.pk).exclude(recent).update(last_used_at=now)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
