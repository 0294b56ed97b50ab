"""The body of a request as a stream that ends with an error beyond a limit.

Django reads none of a body without Content-Length (chunked), and the cross-site check of sessions
would read a form before anybody knows whether it may be sent. Here nothing is read before the view
asks; a session's token therefore comes in the header X-CSRFToken, never in a field.
"""

from typing import Any

from django.http import HttpRequest, QueryDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from apps.gateway.rest.refusals import TooLarge

ENDED_EARLY = "The body ended early; send it again."


class Unread(BaseParser):
    """Leaves the body to the view."""

    media_type = "*/*"

    def parse(self, *_: Any, **__: Any) -> QueryDict:
        """No fields."""
        return QueryDict()


class Body:
    """At most `limit_bytes` of a request's body; more answers 413, with `refusal`.

    What Content-Length announces is refused before anything is read.
    """

    def __init__(self, request: HttpRequest, limit_bytes: int, refusal: str) -> None:
        self._limit_bytes = limit_bytes
        self._refusal = refusal
        self.announced_bytes = _announced(request)
        self.read_bytes = 0
        self._stream = request if self.announced_bytes else _unmeasured(request)
        if self.announced_bytes > limit_bytes:
            raise TooLarge(refusal)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`; none at the end. Raises TooLarge and ParseError."""
        room = self._limit_bytes + 1 - self.read_bytes
        wanted = room if size < 0 else min(size, room)
        try:
            data = bytes(self._stream.read(wanted)) if self._stream is not None else b""
        except OSError as error:
            raise ParseError(ENDED_EARLY) from error
        self.read_bytes += len(data)
        if self.read_bytes > self._limit_bytes:
            raise TooLarge(self._refusal)
        if not data and self.read_bytes < self.announced_bytes:
            raise ParseError(ENDED_EARLY)
        return data

    def read_all(self) -> bytes:
        """Everything. Raises TooLarge and ParseError."""
        parts = []
        while part := self.read():
            parts.append(part)
        return b"".join(parts)


def _unmeasured(request: HttpRequest) -> Any:
    """The server's own stream, of which Django takes no more than Content-Length; None if it has
    no end."""
    return request.META["wsgi.input"] if request.META.get("wsgi.input_terminated") else None


def _announced(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit()):
        raise ParseError(f"Content-Length is {text[:40]!r}, not a number of bytes.")
    return int(text)
