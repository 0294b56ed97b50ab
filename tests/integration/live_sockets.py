"""WebSockets of the live application in this process, against the test's database."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.db import connections

from apps.gateway.live.clients import clients
from apps.gateway.live.hub import hub
from apps.gateway.ws.application import websocket_application
from apps.telemetry.ingest import store
from tests.integration.records import record

DEADLINE_S = 30
NOW = datetime.now(UTC).replace(microsecond=0)


def asynchronous(test):
    """The test as pytest can run it; nothing that it opened outlives it."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        async def whole():
            try:
                async with asyncio.timeout(DEADLINE_S * 3):
                    await test(*args, **kwargs)
            finally:
                await clients().close_all("the test is over")
                await hub().stop()
                await database_sync_to_async(connections.close_all)()

        asyncio.run(whole())

    return run


class Socket(ApplicationCommunicator):
    """A client's side of one socket."""

    async def say(self, type_, **members):
        """Send a message."""
        await self.say_text(json.dumps({"type": type_, **members}))

    async def say_text(self, text):
        """Send a text as it is."""
        await self.send_input({"type": "websocket.receive", "text": text})

    async def hear(self, kind):
        """The next message, which must be of this type."""
        event = await self.receive_output(timeout=DEADLINE_S)
        assert event["type"] == "websocket.send", event
        message = json.loads(event["text"])
        assert message["type"] == kind, message
        return message

    async def hears_nothing(self):
        """Whether no message is waiting, nor comes in a moment."""
        return await self.receive_nothing(timeout=0.3)

    async def closed(self):
        """The code and the reason with which it is closed; other messages are passed over."""
        while True:
            event = await self.receive_output(timeout=DEADLINE_S)
            if event["type"] == "websocket.close":
                return event["code"], event.get("reason", "")


def unopened(path="/ws/telemetry/", token="", **headers) -> Socket:
    """A socket that knocks; `headers` are further ones."""
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    if token:
        given.append((b"authorization", f"Bearer {token}".encode()))
    scope = {
        "type": "websocket", "http_version": "1.1", "scheme": "ws", "path": path,
        "raw_path": path.encode(), "query_string": b"", "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1), "headers": [(b"host", b"127.0.0.1"), *given],
    }  # fmt: skip
    return Socket(websocket_application, scope)


@asynccontextmanager
async def socket(*args, **kwargs) -> AsyncIterator[Socket]:
    """An open socket."""
    one = unopened(*args, **kwargs)
    await one.send_input({"type": "websocket.connect"})
    event = await one.receive_output(timeout=DEADLINE_S)
    assert event["type"] == "websocket.accept", event
    try:
        yield one
    finally:
        await one.send_input({"type": "websocket.disconnect", "code": 1000})
        await one.wait(timeout=DEADLINE_S)


@asynccontextmanager
async def subscribed(**filters) -> AsyncIterator[Socket]:
    """An open socket that has its snapshot."""
    async with socket() as one:
        await one.hear("authenticated")
        await one.say("subscribe", filters=filters)
        await one.hear("snapshot")
        yield one


def tick(second, *gpus, cluster="lab", **metrics):
    """Store a sample of each GPU (the 0th), whose power draw is its second."""
    values = {"power_draw": float(second)} | metrics
    records = [
        record(gpu, timestamp=NOW + timedelta(seconds=second), **values) for gpu in gpus or (0,)
    ]
    return database_sync_to_async(store)(cluster, records)


def seen(message):
    """GPU and power draw of each sample in a message."""
    return sorted((one["uuid"], one["power_draw"]) for one in message["results"])
