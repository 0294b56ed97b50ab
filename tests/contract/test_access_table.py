"""Every visitor gets what the table says from every route, and no route is missing there."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from apps.gateway.access import throttling
from apps.gateway.access.roles import Role
from apps.telemetry.models import Upload
from tests.contract.access_table import ANYTHING, OK, TABLE, UNMATCHED, VISITORS
from tests.fleet_rows import make_gpu, make_samples
from tests.signing_in import bearer, make_token

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
UPLOAD = UUID(int=7)
ROLES = {
    "viewer": (Role.VIEWER, ()),
    "scoped viewer": (Role.VIEWER, ("b",)),
    "scoped operator": (Role.OPERATOR, ("b",)),
    "operator": (Role.OPERATOR, ()),
    "admin": (Role.ADMIN, ()),
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitors(settings, etcd_endpoints):
    """The headers of each visitor, at a gateway of cluster `a`."""
    settings.PUBLIC_READ, settings.CLUSTER_ID = False, "a"
    make_samples(make_gpu("host-a", cluster="a"), 3)
    make_samples(make_gpu("host-b", cluster="b"), 3)
    Upload.objects.create(
        pk=UPLOAD, cluster="a", filename="f", storage_name="f", size_bytes=1, sha256="0" * 64
    )
    tokens = {name: bearer(make_token(*given)) for name, given in ROLES.items()}
    return {"nobody": {}} | tokens


def all_routes(patterns=None, before="") -> Iterator[str]:
    """Every pattern of the URL resolver; the admin is one."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route
        elif isinstance(pattern, URLResolver) and pattern.app_name == "admin":
            yield "admin/"
        else:
            yield from all_routes(pattern.url_patterns, route)


def test_every_route_is_in_the_table():
    """A new route fails here until the table says who may do what with it."""
    assert set(all_routes()) - UNMATCHED == set(TABLE)


@pytest.mark.parametrize("pattern", TABLE)
def test_each_visitor_gets_what_the_table_says(client, visitors, pattern):
    route = TABLE[pattern]
    differing = {}
    for method in METHODS:
        for visitor, expected in zip(VISITORS, expected_of(route, method), strict=True):
            throttling.forget()
            headers = {"Accept": route.kind.accept, **visitors[visitor]}
            response = client.generic(method, address(pattern, route), headers=headers)
            if not matches(response.status_code, expected):
                differing[method, visitor] = (response.status_code, expected)
    assert not differing


def expected_of(route, method):
    return route.kind.methods.get(method, (route.kind.others,) * len(VISITORS))


def address(pattern, route):
    path = "/" + pattern.replace("<uuid:upload_id>", str(UPLOAD))
    for name, value in route.names.items():
        path = path.replace(f"<name:{name}>", value).replace(f"<str:{name}>", value)
    assert "<" not in path
    return path + route.query


def matches(status, expected):
    """`ok` is whatever is not about who asks: a body that is missing may well be refused."""
    if expected == OK:
        return status < 500 and status not in {401, 403, 404, 405, 429}
    return expected in (ANYTHING, status)
