"""Which requests may be answered from a replica: reads of the fleet by REST."""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from apps.telemetry.replica import REPLICA, reads_may_lag

PATHS = tuple(
    f"/api/v1/{name}" for name in ("clusters", "hosts", "gpus", "models", "stats", "telemetry")
)


def read_from_replica(
    respond: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Django middleware; who asks is looked up in the primary all the same.

    What the replica cannot answer (503 with Retry-After: it went away a moment ago, or ended a
    statement to go on replaying) the primary is asked at once.
    """

    if REPLICA not in settings.DATABASES:
        raise MiddlewareNotUsed

    def choose(request: HttpRequest) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD") or not request.path.startswith(PATHS):
            return respond(request)
        with reads_may_lag() as is_replica:
            response = respond(request)
        if is_replica and response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            return respond(request) if response.has_header("Retry-After") else response
        return response

    return choose
