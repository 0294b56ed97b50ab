"""One connection through the TCP proxy: two directions of chunks that may be late or lost."""

import asyncio
import contextlib
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from socket import SO_LINGER, SOL_SOCKET

CHUNK_BYTES = 1 << 16
# Chunks on their way in one direction; more wait in the sender's socket.
MAX_DELAYED = 1024
LINGER_0 = struct.pack("ii", 1, 0)


@dataclass
class Weather:
    """What happens to chunks now, on every link of one proxy."""

    luck: random.Random
    delay_s: float = 0.0
    jitter_s: float = 0.0
    requests_pass: bool = True
    replies_pass: bool = True

    def lateness_s(self) -> float:
        """How much later the next chunk arrives."""
        return max(0.0, self.delay_s + self.luck.uniform(-self.jitter_s, self.jitter_s))


class Link:
    """Made and used in the proxy's event loop; `spoiled` says that its streams have a hole."""

    def __init__(
        self, weather: Weather, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._weather = weather
        self._reader = reader
        self._writers = [writer]
        self._task = asyncio.current_task()
        self.spoiled = not weather.requests_pass

    async def run(self, host: str, port: int) -> None:
        """Carry chunks to and from a target until both sides have ended or `reset()`."""
        try:
            if self.spoiled:
                await self._discard()
            reader, writer = await asyncio.open_connection(host, port)
            self._writers.append(writer)
            await self._carry(reader, writer)
        except* OSError:
            self._abort()
        finally:
            for end in self._writers:
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def reset(self) -> None:
        """Close both connections with RST."""
        self._abort()
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    def _abort(self) -> None:
        for writer in self._writers:
            socket = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                socket.setsockopt(SOL_SOCKET, SO_LINGER, LINGER_0)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.TaskGroup() as group:
            for source, sink, passes in (
                (self._reader, writer, lambda: self._weather.requests_pass),
                (reader, self._writers[0], lambda: self._weather.replies_pass),
            ):
                chunks: Chunks = asyncio.Queue(MAX_DELAYED)
                group.create_task(self._receive(source, chunks, passes))
                group.create_task(self._deliver(chunks, sink, passes))
        if self.spoiled:
            await _for_ever()

    async def _receive(
        self, source: asyncio.StreamReader, chunks: "Chunks", passes: Callable[[], bool]
    ) -> None:
        data = b"more"
        while data:
            try:
                data = await source.read(CHUNK_BYTES)
            except OSError:
                if passes():
                    raise
                data = b""
            due = asyncio.get_running_loop().time() + self._weather.lateness_s()
            await chunks.put((due, data))

    async def _deliver(
        self, chunks: "Chunks", sink: asyncio.StreamWriter, passes: Callable[[], bool]
    ) -> None:
        data = b"more"
        while data:
            due, data = await chunks.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if not passes():
                self.spoiled = True
            elif data:
                sink.write(data)
                await sink.drain()
            else:
                sink.write_eof()

    async def _discard(self) -> None:
        with contextlib.suppress(OSError):
            while await self._reader.read(CHUNK_BYTES):
                pass
        await _for_ever()


# When due, in the loop's time, and what; empty at the end.
Chunks = asyncio.Queue[tuple[float, bytes]]


async def _for_ever() -> None:
    await asyncio.Event().wait()
