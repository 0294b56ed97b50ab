"""Who sent a request: the one answer for REST, GraphQL, WebSocket and server-sent events."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from apps.gateway.access.people import principal_of_user
from apps.gateway.access.roles import NOBODY, PUBLIC, Principal, Role

__all__ = ["Principal", "Role", "principal_of"]


def principal_of(request: HttpRequest | Request) -> Principal:
    """Who sent this request; anybody is a viewer of everything where PUBLIC_READ is set."""
    principal = principal_of_user(_user(request))
    if principal is NOBODY and settings.PUBLIC_READ:
        return PUBLIC
    return principal


def _user(request: HttpRequest | Request) -> Any:
    return request.user
