"""The gateway's WSGI application."""

import os
from typing import TYPE_CHECKING

from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries
from django.db.backends.signals import connection_created
from django.http import HttpResponse

from apps.gateway.serving.statements import limit_statements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemetry_project.settings")

_django = get_wsgi_application()
connection_created.connect(limit_statements)
# Done at the end of each request, so not at its start again; nobody reads the log of statements,
# and the cache is this process's memory. Together they are a twentieth of a request's Python.
request_started.disconnect(close_old_connections)
request_started.disconnect(reset_queries)
request_finished.disconnect(close_caches)


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
    """Django's application, with a response that is whole answered as a list.

    A list is sent at once with its length; anything else granian sends chunk by chunk, slower.
    """
    response = _django(environ, start_response)
    if not isinstance(response, HttpResponse):
        return response
    try:
        return [response.content]
    finally:
        response.close()
