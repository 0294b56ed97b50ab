"""Who is connected to this process: how many may be, and how all are told that it stops."""

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

from django.conf import settings

from apps.gateway.live import sending
from apps.gateway.live.hub import hub
from apps.gateway.live.sending import Sending
from apps.gateway.metrics.live import DROPPED, OPEN

GOING_AWAY, TOO_SLOW = 1001, 4008
LOOK_EVERY_S = 2.0


class Client(Protocol):
    """A connection that stays open."""

    face: str
    sending: Sending

    def end(self, code: int, reason: str) -> None:
        """Close it, with a WebSocket close code and why."""


class Clients:
    """Those of one event loop, and so of one process."""

    def __init__(self) -> None:
        self._open: set[Client] = set()
        self._stopping = ""
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    def admit(self, client: Client) -> bool:
        """Count it in, unless there are LIVE_MAX_CONNECTIONS or the server stops."""
        if len(self._open) >= settings.LIVE_MAX_CONNECTIONS or self._stopping:
            return False
        self._open.add(client)
        OPEN.labels(client.face).inc()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_after_all())
        return True

    def release(self, client: Client) -> None:
        """It is gone; harmless where it was never counted in."""
        if client in self._open:
            self._open.discard(client)
            client.sending.count()
            OPEN.labels(client.face).dec()
            self._changed.set()

    async def close_all(self, reason: str) -> None:
        """Close every connection, return when all are closed, and admit no more."""
        self._stopping = reason
        for client in list(self._open):
            client.end(GOING_AWAY, reason)
        while self._open:
            self._changed.clear()
            await self._changed.wait()
        if self._looking is not None:
            self._looking.cancel()
        await hub().stop()

    async def _look_after_all(self) -> None:
        """Cut off who takes nothing, as long as anybody is there."""
        while self._open:
            await asyncio.sleep(LOOK_EVERY_S)
            for client in list(self._open):
                client.sending.count()
                if client.sending.is_stuck:
                    DROPPED.labels("slow").inc()
                    client.end(TOO_SLOW, f"Nothing was read for {sending.STALL_S:.0f} s.")


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Clients] = WeakKeyDictionary()


def clients() -> Clients:
    """Those of the running event loop; a server has one loop, tests have many."""
    return _clients.setdefault(asyncio.get_running_loop(), Clients())


async def close_all(reason: str) -> None:
    """Close every WebSocket (code 1001) and event stream of this process with this reason."""
    await clients().close_all(reason)
