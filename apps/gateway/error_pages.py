"""Django's own error views: problem documents for programs, pages for people."""

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.views import csrf, defaults
from django.views.decorators.csrf import csrf_exempt

from apps.gateway.problems import problem
from apps.gateway.programs import is_for_programs


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, such as a Host header that ALLOWED_HOSTS does not list, or too many parameters."""
    if not is_for_programs(request):
        return defaults.bad_request(request, exception)
    return problem(request, 400, f"The request cannot be read: {exception}")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403 outside Django REST framework."""
    if not is_for_programs(request):
        return defaults.permission_denied(request, exception)
    return problem(request, 403, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404 for a path that no route matches."""
    if not is_for_programs(request):
        return defaults.page_not_found(request, exception)
    return api_not_found(request)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500; the traceback is in the gateway's log."""
    if not is_for_programs(request):
        return defaults.server_error(request)
    return problem(request, 500, "The gateway failed; its log has the reason.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """403 where a session sends something without the token that shows that it means to."""
    if not is_for_programs(request):
        return csrf.csrf_failure(request, reason)
    return problem(request, 403, f"{reason} Send the cookie csrftoken in the header X-CSRFToken.")


@csrf_exempt  # there is nothing to protect
def api_not_found(request: HttpRequest, **_: str) -> HttpResponse:
    """The answer to any unknown path of programs; a slash too many or too few is redirected."""
    if _is_route(_with_other_end(request.path_info)):
        query = request.META.get("QUERY_STRING", "")
        target = _with_other_end(request.path) + (f"?{query}" if query else "")
        return HttpResponsePermanentRedirect(target, preserve_request=True)
    return problem(request, 404, f"There is nothing at {request.path}; see /api/docs/.")


def _with_other_end(path: str) -> str:
    return path.rstrip("/") if path.endswith("/") else f"{path}/"


def _is_route(path: str) -> bool:
    try:
        return resolve(path).func is not api_not_found
    except Resolver404:
        return False
