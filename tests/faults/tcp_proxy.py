"""A TCP proxy that delays, loses and resets what goes through it."""

import asyncio
import random
import threading
from collections.abc import Coroutine, Iterable
from typing import Any

from tests.faults.tcp_link import Link, Weather

PATIENCE_S = 10.0


class TcpProxy:
    """Listens on `address` and connects each client to `target`; both are host:port.

    Its methods may be called from any thread and hold when they return. `seed` makes the jitter.
    """

    def __init__(self, target: str, seed: int = 0) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._weather = Weather(random.Random(seed))
        self._links: set[Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy of {target}")
        self._server: asyncio.Server | None = None
        self.address = ""

    def __enter__(self) -> "TcpProxy":
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def delay(self, seconds: float, jitter_s: float = 0.0) -> None:
        """Deliver each chunk of both directions later by `seconds` ± `jitter_s`, in order."""
        self._run(self._change(delay_s=seconds, jitter_s=jitter_s))

    def blackhole(self) -> None:
        """Take bytes and connections, forward nothing, answer nothing, close nothing."""
        self._run(self._change(requests_pass=False, replies_pass=False))

    def swallow_replies(self) -> None:
        """Forward what clients send and drop what the target answers."""
        self._run(self._change(requests_pass=True, replies_pass=False))

    def reset(self) -> None:
        """Close every connection with RST; what else is wrong stays wrong."""
        self._run(self._reset(list(self._links)))

    def heal(self) -> None:
        """Forward at once again; connections that were black-holed or lost bytes are reset."""
        self._run(self._heal())

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self._weather, reader, writer)
        self._links.add(link)
        try:
            await link.run(*self._target)
        except asyncio.CancelledError:
            return  # asyncio would log the end of a connection that was reset as a failure
        finally:
            self._links.discard(link)

    async def _change(self, **changes: float | bool) -> None:
        for name, value in changes.items():
            setattr(self._weather, name, value)
        if not self._weather.requests_pass:
            for link in self._links:
                link.spoiled = True

    async def _heal(self) -> None:
        spoiled = [link for link in self._links if link.spoiled]
        await self._change(delay_s=0.0, jitter_s=0.0, requests_pass=True, replies_pass=True)
        await self._reset(spoiled)

    async def _reset(self, links: Iterable[Link]) -> None:
        await asyncio.gather(*(link.reset() for link in links))

    async def _shut(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._reset(list(self._links))
