"""The ASGI application of `/api/v1/stream`: snapshots and updates as server-sent events."""

import asyncio
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from rest_framework.exceptions import APIException, MethodNotAllowed, ParseError, Throttled

from apps.gateway.access.refused import SignInNeeded
from apps.gateway.access.scopes import request_of
from apps.gateway.live.clients import clients
from apps.gateway.live.feed import Feed
from apps.gateway.live.hub import hub
from apps.gateway.live.message import Message, message
from apps.gateway.live.sending import Sending
from apps.gateway.live.visitor import RECHECK_S, Turned, Visitor
from apps.gateway.metrics.live import DROPPED
from apps.gateway.problems import exception_handler
from apps.gateway.stream.request import Wanted, wanted_of
from apps.gateway.ws.messages import DEFAULT_ID

# Comments in between tell proxies and clients that the stream lives.
HEARTBEAT_S = 15.0
# Of what is said last.
FINISH_S = 1.0
RETRY_MS = 2000
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Accel-Buffering": "no",  # of nginx
}


class _Unavailable(APIException):
    status_code = 503
    wait = 5


async def sse_application(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request for the stream; a problem document where it cannot be had."""
    request = request_of(scope)
    visitor = Visitor(scope)
    try:
        _check(request)
        await _let_in(visitor)
        wanted = wanted_of(request, visitor.principal.clusters)
        stream = Stream(visitor, send)
        if not clients().admit(stream):
            DROPPED.labels("full").inc()
            raise _Unavailable("There are too many connections here; try again.")
    except APIException as error:
        await _refuse(request, error, send)
        return
    try:
        await stream.run(wanted, receive, _cross_origin(request))
    finally:
        hub().leave(stream.feed)
        clients().release(stream)


class Stream:
    """One client's stream."""

    face = "stream"

    def __init__(self, visitor: Visitor, send: Any) -> None:
        self.feed = Feed()
        self.sending = Sending(self.face)
        self._visitor = visitor
        self._send = send
        self._ended = asyncio.Event()
        self._reason = ""

    def end(self, _code: int, reason: str) -> None:
        """End it; an event `end` says why."""
        self._reason = reason
        self._ended.set()

    async def run(self, wanted: Wanted, receive: Any, headers: dict[str, str]) -> None:
        """Send what changes until the client leaves or the stream is ended."""
        start = {"type": "http.response.start", "status": 200, "headers": _encoded(headers)}
        await self._send(start)
        await self._put(f"retry: {RETRY_MS}\n\n")
        await hub().subscribe(
            self.feed, DEFAULT_ID, wanted.choice, wanted.interval_s, wanted.cursor
        )
        work = {
            asyncio.create_task(one)
            for one in (self._write(), self._guard(), self._ended.wait(), _left(receive))
        }
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
        if self._reason:
            await self._finish()

    async def _write(self) -> None:
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    outgoing = await self.feed.next()
            except TimeoutError:
                await self._put(": still here\n\n")
                continue
            await self._put(event_of(outgoing))

    async def _put(self, text: str) -> None:
        self.sending.begin()
        await self._send(_body(text.encode(), more=True))
        self.sending.end()

    async def _guard(self) -> None:
        """Return when the client may not read any more."""
        while True:
            await asyncio.sleep(RECHECK_S)
            try:
                await self._visitor.check_again()
            except Turned as turned:
                DROPPED.labels("unauthorized").inc()
                self._reason = turned.detail
                return

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(FINISH_S):
                await self._put(event_of(message("end", detail=self._reason)))
                await self._send(_body(b"", more=False))
        except (TimeoutError, RuntimeError, OSError):
            pass  # the client is gone


def event_of(outgoing: Message) -> str:
    """A message as an event; its id is the cursor, which clients send back as Last-Event-ID."""
    id = f"id: {outgoing.cursor}\n" if outgoing.cursor else ""
    return f"event: {outgoing.kind}\n{id}data: {outgoing.text}\n\n"


def _check(request: HttpRequest) -> None:
    if request.method != "GET":
        raise MethodNotAllowed(request.method or "")
    try:
        request.get_host()
        _ = request.GET
    except SuspiciousOperation as error:
        raise ParseError(f"The request cannot be read: {error}") from error


async def _let_in(visitor: Visitor) -> None:
    try:
        await visitor.identify()
    except Turned as turned:
        raise _as_api_error(turned) from turned
    if not visitor.is_viewer:
        raise SignInNeeded


def _as_api_error(turned: Turned) -> APIException:
    if isinstance(turned.__cause__, APIException):
        return turned.__cause__
    return Throttled() if turned.status == 429 else _Unavailable(turned.detail)


def _cross_origin(request: HttpRequest) -> dict[str, str]:
    """CORS, which Django's middleware adds everywhere else."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or origin not in settings.CORS_ALLOWED_ORIGINS:
        return HEADERS | {"Vary": "Origin"}
    return HEADERS | {"Vary": "Origin", "Access-Control-Allow-Origin": origin}


async def _refuse(request: HttpRequest, error: APIException, send: Any) -> None:
    response = exception_handler(error, {"request": request})
    assert response is not None, "an APIException always has an answer"
    headers = dict(response.items())
    start = {"type": "http.response.start", "status": response.status_code}
    await send(start | {"headers": _encoded(headers)})
    await send(_body(response.content, more=False))


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def _body(content: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def _left(receive: Any) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
