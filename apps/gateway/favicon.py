"""/favicon.ico, which browsers ask for whatever a page says."""

from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse


def favicon(_request: HttpRequest) -> HttpResponse:
    """The icon, which may be kept for a week."""
    headers = {"Cache-Control": "public, max-age=604800"}
    return HttpResponse(_icon(), content_type="image/x-icon", headers=headers)


@cache
def _icon() -> bytes:
    path = finders.find("gateway/favicon.ico")
    return Path(str(path)).read_bytes()
