"""The gateway's ASGI application: HTTP by Django's WSGI handler, the rest by Channels."""

# First, for it sets Django up.
from telemetry_project.wsgi import application as wsgi  # isort: skip

import gc

from django.urls import get_resolver

from apps.gateway.live.clients import close_all
from apps.gateway.serving.front import Front
from apps.gateway.serving.threads import WsgiThreads
from apps.gateway.stream.application import sse_application
from apps.gateway.ws.application import websocket_application

__all__ = ["application", "application_of", "sse_application", "websocket_application"]


def application_of(threads: int) -> Front:
    """The application, with so many threads for HTTP; what it needs is imported, and stays."""
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()  # looking at it again and again is a sixth of what live clients cost
    return Front(WsgiThreads(wsgi, threads), websocket_application, sse_application, close_all)


application = application_of(threads=4)
