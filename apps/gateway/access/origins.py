"""Which web pages may speak to this gateway with their visitor's session."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host


def is_origin_allowed(origin: str | None, host: str) -> bool:
    """Whether a page of this origin may open a WebSocket at `host`, both as the headers say.

    Its own pages may, at a host of ALLOWED_HOSTS, and those of CORS_ALLOWED_ORIGINS and
    CSRF_TRUSTED_ORIGINS. Without an origin it is no browser, so nobody's session is misused.
    """
    if not origin:
        return True
    if origin in settings.CORS_ALLOWED_ORIGINS or origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    domain, _ = split_domain_port(host)
    allowed = settings.ALLOWED_HOSTS
    return urlsplit(origin).netloc == host and validate_host(domain, allowed)
