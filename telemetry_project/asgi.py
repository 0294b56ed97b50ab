"""The gateway's ASGI application: HTTP by Django's WSGI handler, the rest by Channels."""

from typing import Any

from apps.gateway.serving.front import Front
from apps.gateway.serving.threads import WsgiThreads
from telemetry_project.wsgi import application as wsgi


async def _nothing_yet(scope: Any, receive: Any, send: Any) -> None:
    await WsgiThreads(wsgi, 1)(scope, receive, send)


async def _close_all(reason: str) -> None:
    del reason


def application_of(threads: int) -> Front:
    """The application, with so many threads for HTTP."""
    return Front(WsgiThreads(wsgi, threads), _nothing_yet, _nothing_yet, _close_all)


application = application_of(threads=4)
