"""Compressed answers of the API for clients that take them: a middleware.

Pages for people are left out: they hold tokens against cross-site requests, whose length a
compressed page would tell (BREACH). So are files that are compressed already.
"""

from collections.abc import Callable

from compression_middleware.middleware import CompressionMiddleware
from django.http import HttpRequest, HttpResponseBase

from apps.gateway.programs import is_for_programs

Respond = Callable[[HttpRequest], HttpResponseBase]

TYPES = ("application/json", "application/problem+json", "application/x-ndjson", "text/csv",
         "application/vnd.oai.openapi", "application/yaml",
         "application/vnd.apache.arrow.stream")  # fmt: skip


def compress(respond: Respond) -> Respond:
    """Django middleware: Zstandard, Brotli or gzip, whichever comes first that the client takes."""
    middleware = CompressionMiddleware(respond)

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = respond(request)
        if (
            "HTTP_ACCEPT_ENCODING" not in request.META
            or not is_for_programs(request)
            or not response.get("Content-Type", "").startswith(TYPES)
        ):
            return response
        compressed: HttpResponseBase = middleware.process_response(request, response)
        return compressed

    return answer
