"""Many WebSocket clients in one process: `python -m benchmarks.live_clients URL CLIENTS TICKS`.

Prints `ready` when each has had its first message, and at the end, as JSON, when each tick reached
them: Unix times of the arrivals, by the `timestamp` of the samples.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict

import uvloop
from websockets.asyncio.client import ClientConnection, connect

SUBSCRIBE = json.dumps(
    {
        "type": "subscribe",
        "filters": {"metrics": ["gpu_utilization", "power_draw", "temperature", "memory_used_mib"]},
    }
)
PATIENCE_S = 30.0
_TIME = '"timestamp":"'
_SNAPSHOT, _UPDATE = '{"type":"snapshot"', '{"type":"update"'

arrivals: dict[str, list[float]] = defaultdict(list)


async def main(url: str, clients: int, ticks: int) -> None:
    """Connect, say so, and note what arrives until everybody has had every tick."""
    sockets = [await connect(url, compression=None, ping_interval=None) for _ in range(clients)]
    begun = [asyncio.Event() for _ in sockets]
    reading = [
        asyncio.create_task(_read(socket, event, ticks))
        for socket, event in zip(sockets, begun, strict=True)
    ]
    for event in begun:
        await event.wait()
    print("ready", flush=True)  # noqa: T201, its output is the result
    await asyncio.wait(reading, timeout=ticks + PATIENCE_S)
    print(json.dumps(arrivals), flush=True)  # noqa: T201


async def _read(socket: ClientConnection, begun: asyncio.Event, ticks: int) -> None:
    await socket.send(SUBSCRIBE)
    seen = 0
    while seen < ticks:
        text = str(await socket.recv())
        if text.startswith(_UPDATE):
            at = text.index(_TIME) + len(_TIME)
            arrivals[text[at : at + 27]].append(time.time())
            seen += 1
        elif text.startswith(_SNAPSHOT):
            begun.set()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
