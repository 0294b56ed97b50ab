"""How a WebSocket is closed by this side while it waits for the client."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# A client that reads nothing does not take a close frame either.
CLOSE_S = 1.0
# RFC 6455: a control frame holds 125 bytes, two of them the code.
MAX_REASON_BYTES = 123


class Closing:
    """Lets `receive` end early: an ASGI server may close only what nobody is receiving from."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._asked = asyncio.Event()
        self._code = 1000
        self._reason = ""

    def ask(self, code: int, reason: str) -> None:
        """Close as soon as possible; the first reason counts."""
        if not self._asked.is_set():
            self._code, self._reason = code, _shortened(reason)
            self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether the socket is to be closed."""
        return self._asked.is_set()

    async def receive(self) -> Mapping[str, Any]:
        """The next event; once closing was asked for, the socket's end."""
        event = asyncio.ensure_future(self._receive())
        asked = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({event, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not self._asked.is_set():
                return event.result()
        finally:
            event.cancel()
            asked.cancel()
        await self._close()
        return {"type": "websocket.disconnect", "code": self._code}

    async def _close(self) -> None:
        frame = {"type": "websocket.close", "code": self._code, "reason": self._reason}
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._send(frame)
        except (TimeoutError, RuntimeError, OSError):
            pass  # it is gone, or will be when this application returns


def _shortened(reason: str) -> str:
    return reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
