"""The pages: shells without data, so that anybody may have them; what they show comes from the API,
which decides who may see it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe


def page(name: str) -> Callable[..., HttpResponse]:
    """The view of `templates/dashboard/<name>.html`; parts of its path are for its script."""

    @require_safe
    @ensure_csrf_cookie  # what a page sends, a file for instance, needs the token
    def view(request: HttpRequest, **parts: str) -> HttpResponse:
        return render(request, f"dashboard/{name}.html", {"page": name, "parts": parts})

    return view
