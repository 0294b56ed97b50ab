"""Who opened a WebSocket or an event stream: the same answer, from an ASGI scope."""

import io
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.gateway.access import tokens
from apps.gateway.access.principal import Principal, principal_of
from apps.gateway.serving.environ import environ_of

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
    """The request of this scope, with its session and its user; it has no body."""
    request = WSGIRequest(environ_of({"method": "GET", **scope}, io.BytesIO()))
    request.session = _sessions.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    request.user = SimpleLazyObject(lambda: get_user(request))  # type: ignore[assignment]
    return request


def _is_known(request: HttpRequest) -> bool:
    """Whether it takes no look into PostgreSQL, and so no thread."""
    scheme, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme:
        return scheme.lower() == "bearer" and tokens.remembered(value.strip()) is not None
    return settings.SESSION_COOKIE_NAME not in request.COOKIES
