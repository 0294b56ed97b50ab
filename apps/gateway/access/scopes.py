"""Who opened a WebSocket or an event stream: the same answer, from an ASGI scope."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.utils.functional import SimpleLazyObject

from apps.gateway.access import tokens
from apps.gateway.access.principal import Principal, principal_of

_sessions = import_module(settings.SESSION_ENGINE)


async def principal_of_scope(scope: Mapping[str, Any]) -> Principal:
    """Who opened this connection of type `http` or `websocket`, by header or session cookie.

    Counted like a request. Raises what `principal_of` raises. Never a token in the address: that
    would end up in logs.
    """
    request = request_of(scope)
    if _is_known(request):
        return principal_of(request)
    principal: Principal = await database_sync_to_async(principal_of)(request)
    return principal


def request_of(scope: Mapping[str, Any]) -> HttpRequest:
    """A request with the headers of this scope, its session and its user; it has no body."""
    request = HttpRequest()
    request.method = "GET"
    request.path = request.path_info = scope["path"]
    client = scope.get("client") or ("", 0)
    request.META = {"REMOTE_ADDR": client[0], "QUERY_STRING": _text(scope["query_string"])}
    for name, value in scope["headers"]:
        if b"_" not in name:
            key = "HTTP_" + _text(name).upper().replace("-", "_")
            separator = "; " if key == "HTTP_COOKIE" else ","
            before = request.META.get(key)
            request.META[key] = f"{before}{separator}{_text(value)}" if before else _text(value)
    request.COOKIES = parse_cookie(request.META.get("HTTP_COOKIE", ""))
    request.session = _sessions.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    request.user = SimpleLazyObject(lambda: get_user(request))  # type: ignore[assignment]
    return request


def _is_known(request: HttpRequest) -> bool:
    """Whether it takes no look into PostgreSQL, and so no thread."""
    scheme, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme:
        return scheme.lower() == "bearer" and tokens.remembered(value.strip()) is not None
    return settings.SESSION_COOKIE_NAME not in request.COOKIES


def _text(value: bytes) -> str:
    return value.decode("latin-1")
