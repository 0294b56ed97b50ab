"""How many requests there were and how long they took, by route: a middleware."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Histogram

Respond = Callable[[HttpRequest], HttpResponseBase]

REQUEST_S = Histogram(
    "gpu_telemetry_http_request_duration_seconds",
    "Time until the gateway had an answer, by route, method and status.",
    ["route", "method", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    registry=None,  # `page` decides where it is read from
)
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
# Every label has few values, whatever is asked for: each combination is kept for good.
UNMATCHED, OTHER = "unmatched", "other"


def count_requests(respond: Respond) -> Respond:
    """Django middleware: observe each request once it is answered."""

    def count(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = respond(request)
        seconds = time.perf_counter() - started
        method = request.method if request.method in METHODS else OTHER
        REQUEST_S.labels(route_of(request), method, response.status_code).observe(seconds)
        return response

    return count


def route_of(request: HttpRequest) -> str:
    """The pattern that matched, never the path; the admin, with its many pages, is one route."""
    match = request.resolver_match
    if match is None:
        return UNMATCHED
    return "/admin/" if "admin" in match.app_names else f"/{match.route}"
