"""What django-axes needs to know, and what it answers to whoever is locked out."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.gateway.access.address import client_address, network

LOCKED_S = settings.AXES_COOLOFF_TIME.total_seconds()


def address_of(request: HttpRequest) -> str:
    """AXES_CLIENT_IP_CALLABLE: the same address as throttling counts."""
    return network(client_address(request))


def locked_out(_request: HttpRequest, response: HttpResponse, _credentials: Any) -> HttpResponse:
    """AXES_LOCKOUT_CALLABLE: the problem that was answered already, a page to the admin."""
    if response.status_code != 429:
        text = f"Too many wrong passwords; try again in {LOCKED_S / 60:.0f} minutes."
        response = HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
    response["Retry-After"] = str(round(LOCKED_S))
    return response
