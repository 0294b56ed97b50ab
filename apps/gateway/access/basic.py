"""HTTP Basic (RFC 7617): a person's name and password with each request."""

import base64
import binascii

from django.contrib.auth import authenticate
from django.http import HttpRequest

from apps.gateway.access.lockout import LOCKED_S
from apps.gateway.access.people import principal_of_user
from apps.gateway.access.refused import TooMany
from apps.gateway.access.roles import Principal

LOCKED = "Too many wrong passwords for this user from this address; it is locked for a while."


def principal_of_password(request: HttpRequest, credentials: str) -> Principal | None:
    """Who this name and password belong to, None if to nobody. Raises TooMany if locked out."""
    name, password = _read(credentials)
    if not name or not password:
        return None
    user = authenticate(request, username=name, password=password)
    if user is not None:
        return principal_of_user(user)
    if getattr(request, "axes_locked_out", False):
        raise TooMany(LOCKED, LOCKED_S)
    return None


def _read(credentials: str) -> tuple[str, str]:
    """Name and password, both empty where there are none."""
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, password = text.partition(":")
    return ("", "") if "\0" in text else (name, password)
