"""The least that Django can do behind the gateway's server: one view, no middleware, no database.

`python -m benchmarks.bare_view PORT` serves it with one worker.
"""

import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from apps.gateway.serving.front import Front
from apps.gateway.serving.server import Options, serve
from apps.gateway.serving.threads import WsgiThreads
from apps.gateway.serving.whole import whole

THREADS = 4


def bare(_request: HttpRequest) -> HttpResponse:
    """A few bytes of JSON."""
    return HttpResponse(b'{"status":"ok"}', content_type="application/json")


urlpatterns = [path("bare", bare)]


def application_of(threads: int) -> Front:
    """The application of a worker."""
    http = WsgiThreads(whole(get_wsgi_application()), threads)

    async def close_all(_reason: str) -> None:
        """Nothing stays open."""

    return Front(http, http, http, close_all)


if __name__ == "__main__":
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"], DATABASES={}, MIDDLEWARE=[], ROOT_URLCONF=__name__,
        SECRET_KEY="of no session",
    )  # fmt: skip
    options = Options("127.0.0.1", int(sys.argv[1]), 1, THREADS, access_log=False)
    serve(options, f"{__name__}:application_of")
