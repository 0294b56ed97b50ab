"""Django's own error views: problem documents for programs, pages for people."""

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.views import csrf, defaults
from django.views.decorators.csrf import csrf_exempt

from apps.gateway.problems import problem

PROGRAM_PATHS = ("/api/", "/graphql", "/health", "/ready")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, such as a Host header that ALLOWED_HOSTS does not list."""
    if not _for_programs(request):
        return defaults.bad_request(request, exception)
    return problem(request, 400, "The request cannot be read; is its host in ALLOWED_HOSTS?")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403 outside Django REST framework."""
    if not _for_programs(request):
        return defaults.permission_denied(request, exception)
    return problem(request, 403, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404 for a path that no route matches."""
    if not _for_programs(request):
        return defaults.page_not_found(request, exception)
    return api_not_found(request)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500; the traceback is in the gateway's log."""
    if not _for_programs(request):
        return defaults.server_error(request)
    return problem(request, 500, "The gateway failed; its log has the reason.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """403 where a session sends something without the token that shows that it means to."""
    if not _for_programs(request):
        return csrf.csrf_failure(request, reason)
    return problem(request, 403, f"{reason} Send the cookie csrftoken in the header X-CSRFToken.")


@csrf_exempt  # there is nothing to protect
def api_not_found(request: HttpRequest, **_: str) -> HttpResponse:
    """The answer to any unknown path below /api/; one with a slash too many is redirected."""
    path = request.path_info.rstrip("/")
    if path != request.path_info and _is_route(path):
        query = request.META.get("QUERY_STRING", "")
        target = f"{request.path.rstrip('/')}?{query}" if query else request.path.rstrip("/")
        return HttpResponsePermanentRedirect(target, preserve_request=True)
    return problem(request, 404, f"There is nothing at {request.path}; see /api/docs/.")


def _is_route(path: str) -> bool:
    try:
        return resolve(path).func is not api_not_found
    except Resolver404:
        return False


def _for_programs(request: HttpRequest) -> bool:
    return request.path_info.startswith(PROGRAM_PATHS)
