"""The gateway's WSGI application."""

import os
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created
from django.http import HttpResponse

from apps.gateway.serving.statements import limit_statements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemetry_project.settings")

_django = get_wsgi_application()
connection_created.connect(limit_statements)


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
