"""Who may read: nobody without signing in, unless PUBLIC_READ says otherwise."""

import base64
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.urls import get_resolver

READS = ["/api/v1/clusters", "/api/v1/clusters/a", "/api/v1/gpus", "/api/v1/gpus/a",
         "/api/v1/gpus/a/telemetry", "/api/v1/gpus/a/telemetry/summary", "/api/v1/hosts",
         "/api/v1/hosts/a", "/api/v1/hosts/a/gpus", "/api/v1/metrics", "/api/v1/models",
         "/api/v1/stats", "/api/v1/telemetry", "/api/v1/telemetry/latest", "/api/v1/pipeline", "/api/v1/csv/uploads",
         f"/api/v1/csv/uploads/{UUID(int=0)}"]  # fmt: skip
WRITES = ["/api/v1/csv/upload", "/api/v1/ingest", f"/api/v1/csv/uploads/{UUID(int=0)}/cancel",
          f"/api/v1/csv/uploads/{UUID(int=0)}/retry"]  # fmt: skip
OPEN = ["/health", "/ready", "/api/schema/", "/api/docs/", "/api/redoc/"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def private(settings):
    settings.PUBLIC_READ = False


@pytest.fixture
def person(private):
    return User.objects.create_user("reader", password="a long password")


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize("path", READS)
def test_reading_without_signing_in_is_refused_with_how_to_sign_in(client, private, path):
    response = client.get(path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", WRITES)
def test_writing_without_signing_in_is_refused_even_where_reading_is_public(client, public, path):
    response = client.post(path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", OPEN)
def test_probes_and_documentation_are_open(client, private, path):
    assert client.get(path).status_code == 200


def test_a_name_and_password_let_one_read(client, person):
    response = client.get("/api/v1/gpus", headers=basic("reader", "a long password"))
    assert response.status_code == 200


def test_a_wrong_password_is_refused_even_where_reading_is_public(client, person, settings):
    settings.PUBLIC_READ = True
    assert client.get("/api/v1/gpus", headers=basic("reader", "wrong")).status_code == 401


def test_a_session_lets_one_read(client, person):
    client.force_login(person)
    assert client.get("/api/v1/gpus").status_code == 200


def test_a_disabled_account_is_refused(client, person):
    User.objects.update(is_active=False)
    response = client.get("/api/v1/gpus", headers=basic("reader", "a long password"))
    assert response.status_code == 401


def test_public_reading_needs_nobody(client, public):
    assert client.get("/api/v1/gpus").status_code == 200


def test_every_route_of_the_api_is_covered_here():
    """A new route fails here until it is added to one of the three lists."""
    paths = [path.replace(str(UUID(int=0)), "a") for path in READS + WRITES]
    covered = {path.replace("/a/", "/{}/").removesuffix("/a") for path in paths} | set(OPEN)
    routes = {route for route in _routes() if route.startswith(("/api/", "/health", "/ready"))}
    assert {route.removesuffix("/{}") for route in routes} == covered


def _routes():
    for name in get_resolver().reverse_dict:
        if isinstance(name, str):
            for pattern, names in get_resolver().reverse_dict.getlist(name)[0][0]:
                yield "/" + pattern % dict.fromkeys(names, "{}")
