"""The least that a server can do for many WebSockets: the same text for all, once a second.

`python -m benchmarks.bare_sockets PORT` serves it with one worker of the gateway's server. It has a
text as long as the gateway's, and says in it when it was made.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from apps.gateway.serving.front import Front
from apps.gateway.serving.server import Options, serve
from benchmarks.live_ticks import GPUS

ROW = {"uuid": "GPU-00000000", "cluster": "default", "hostname": "node-00", "gpu_id": 0,
       "timestamp": "", "gpu_utilization": 50, "temperature": 65, "power_draw": 376.81,
       "memory_used_mib": 76876}  # fmt: skip
SNAPSHOT = '{"type":"snapshot"}'


class Broadcast:
    """An ASGI application for WebSockets."""

    def __init__(self) -> None:
        self._sends: list[Any] = []
        self._ticking: asyncio.Task[None] | None = None

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        """Keep one socket until its client leaves."""
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await send({"type": "websocket.send", "text": SNAPSHOT})
        self._sends.append(send)
        self._ticking = self._ticking or asyncio.create_task(self._tick())
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self._sends.remove(send)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1)
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            rows = [ROW | {"timestamp": now}] * GPUS
            text = '{"type":"update",' + json.dumps({"results": rows}, separators=(",", ":"))[1:]
            event = {"type": "websocket.send", "text": text}
            await asyncio.gather(*(send(event) for send in self._sends), return_exceptions=True)


def application_of(_threads: int) -> Front:
    """The application of a worker."""
    sockets = Broadcast()

    async def close_all(_reason: str) -> None:
        """They are cut off."""

    return Front(_ready, sockets, _ready, close_all)


async def _ready(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    settings.configure(DATABASES={}, SECRET_KEY="of no session")
    serve(
        Options("127.0.0.1", int(sys.argv[1]), 1, 1, access_log=False), f"{__name__}:application_of"
    )
