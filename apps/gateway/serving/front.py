"""The ASGI application of a worker: who answers what, and how it stops."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.gateway.serving.body import Receive
from apps.gateway.serving.threads import Send
from apps.gateway.serving.unread import limit_unread

AsgiApplication = Callable[[Any, Any, Any], Awaitable[None]]
STREAM_PATH = "/api/v1/stream"
# Of the five seconds that a worker has to stop.
CLOSING_S = 2.0


@dataclass(frozen=True)
class Front:
    """HTTP, WebSockets and the event stream behind one port.

    `close_all` ends what is open without an end, with a reason; it is called once, at the stop.
    """

    http: AsgiApplication
    websocket: AsgiApplication
    stream: AsgiApplication
    close_all: Callable[[str], Awaitable[None]]

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Give one connection to the application that answers it."""
        match scope["type"]:
            case "lifespan":
                await self._live(receive, send)
            case "websocket":
                await self.websocket(scope, receive, send)
            case _:
                # A preflight is for Django, whose middleware knows which origins may ask.
                is_stream = scope["path"] == STREAM_PATH and scope["method"] != "OPTIONS"
                await (self.stream if is_stream else self.http)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        limiting = asyncio.create_task(limit_unread())
        stopping: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        # The server cuts open sockets off at a signal, so this comes before its own handler, which
        # stays on SIGINT. Workers are no members of the terminal's group: Ctrl-C is the parent's.
        loop.add_signal_handler(
            signal.SIGTERM, lambda: stopping.add(loop.create_task(self._stop()))
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        limiting.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _stop(self) -> None:
        try:
            await asyncio.wait_for(self.close_all("the server stops"), CLOSING_S)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
