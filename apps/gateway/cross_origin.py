"""Cross-origin resource sharing (CORS): a middleware."""

from collections.abc import Callable

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase


def share(respond: Callable[[HttpRequest], HttpResponseBase]) -> CorsMiddleware:
    """Django middleware: django-cors-headers, where any origin is allowed at all.

    Looking at the headers of a request is a twentieth of what a page of telemetry costs.
    """
    if not settings.CORS_ALLOWED_ORIGINS:
        raise MiddlewareNotUsed
    return CorsMiddleware(respond)
