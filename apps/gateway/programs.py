"""Which addresses are for programs: data comes from there, and errors as problem documents."""

from django.http import HttpRequest

_PATHS = ("/api/", "/graphql", "/health", "/ready", "/metrics", "/ws/")


def is_for_programs(request: HttpRequest) -> bool:
    """Whether it is a program's address rather than a page for people."""
    return request.path_info.startswith(_PATHS)
