"""The body of a request, read by a thread while it arrives in the event loop."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import CancelledError
from typing import Any, BinaryIO

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
# Whoever sends nothing for so long has gone away without a word, and may hold a thread.
STALL_S = 60.0
BUFFER_BYTES = 64 * 1024
# Up to here a body is awaited before a thread is taken; a larger one is read as the view asks.
SMALL_BYTES = 64 * 1024


async def body_of(scope: Mapping[str, Any], receive: Receive) -> BinaryIO:
    """The body as a file. Raises ConnectionError if the sender leaves before a small one ended."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
    if not chunked and (not length or length == b"0"):
        return io.BytesIO()
    if not chunked and length.isdigit() and int(length) <= SMALL_BYTES:
        try:
            async with asyncio.timeout(STALL_S):
                return io.BytesIO(await _whole(receive))
        except TimeoutError:
            return io.BytesIO()  # less than was announced, which whoever reads it refuses
    raw = _Arriving(receive, asyncio.get_running_loop())
    return io.BufferedReader(raw, BUFFER_BYTES)


async def _whole(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ConnectionResetError("the client left before its request had ended")
        parts.append(event.get("body", b""))
        more = event.get("more_body", False)
    return b"".join(parts)


class _Arriving(io.RawIOBase):
    """Reads in a thread; raises ConnectionError when the sender leaves or stalls."""

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._loop = loop
        self._rest = memoryview(b"")
        self._more = True

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, target: Any) -> int:
        """The next bytes of the body; 0 at its end."""
        while not self._rest and self._more:
            self._rest = memoryview(self._next())
        size = min(len(target), len(self._rest))
        target[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def _next(self) -> bytes:
        future = asyncio.run_coroutine_threadsafe(_received(self._receive), self._loop)
        try:
            event = future.result(STALL_S)
        except (TimeoutError, CancelledError) as error:
            future.cancel()
            raise ConnectionAbortedError("the body stopped arriving") from error
        if event["type"] == "http.disconnect":
            raise ConnectionResetError("the client left before its request had ended")
        self._more = event.get("more_body", False)
        body: bytes = event.get("body", b"")
        return body


async def _received(receive: Receive) -> Mapping[str, Any]:
    return await receive()
