"""The ASGI application for scopes of type `websocket`."""

from typing import Any

from apps.gateway.ws.pipeline import PipelineSocket
from apps.gateway.ws.telemetry import TelemetrySocket

ROUTES = {
    "/ws/telemetry/": TelemetrySocket.as_asgi(),
    "/ws/pipeline/": PipelineSocket.as_asgi(),
}


async def websocket_application(scope: Any, receive: Any, send: Any) -> None:
    """Give a socket to its consumer; any other path is refused."""
    consumer = ROUTES.get(scope["path"])
    if consumer is None:
        await receive()
        await send({"type": "websocket.close", "code": 4004, "reason": "There is no such socket."})
    else:
        await consumer(scope, receive, send)
