"""Django's middlewares that people's pages need and data mostly do not: together they cost a
request for telemetry a tenth of its Python."""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest

from apps.gateway.programs import is_for_programs


class PageSessionMiddleware(SessionMiddleware):
    """The session of whoever has one; without a cookie, programs have none."""

    def __call__(self, request: HttpRequest) -> Any:
        """The answer."""
        return self.get_response(request) if _is_anonymous(request) else super().__call__(request)


class PageAuthenticationMiddleware(AuthenticationMiddleware):
    """The person of the session; whom a token stands for `principal_of` finds."""

    def __call__(self, request: HttpRequest) -> Any:
        """The answer."""
        return self.get_response(request) if _is_anonymous(request) else super().__call__(request)


class PageMessageMiddleware(MessageMiddleware):
    """What the admin says once; programs are told in their answers."""

    def __call__(self, request: HttpRequest) -> Any:
        """The answer."""
        return self.get_response(request) if is_for_programs(request) else super().__call__(request)


def _is_anonymous(request: HttpRequest) -> bool:
    """Whether a program asks that has no cookie."""
    return "HTTP_COOKIE" not in request.META and is_for_programs(request)
