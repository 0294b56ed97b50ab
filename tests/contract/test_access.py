"""Ways to sign in: tokens, name and password, sessions, and nobody where reading is public."""

import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.gateway.access import throttling, tokens
from apps.gateway.access.api_token import ApiToken
from apps.gateway.access.roles import Role
from apps.gateway.access.token_text import read_token
from tests.signing_in import PASSWORD, basic, bearer, make_operator, make_token

GPUS = "/api/v1/gpus"
INGEST = "/api/v1/ingest"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def private(settings):
    settings.PUBLIC_READ = False


@pytest.fixture
def person():
    return User.objects.create_user("reader", password=PASSWORD)


def status(client, headers, path=GPUS):
    return client.get(path, headers=headers).status_code


def test_reading_without_signing_in_is_refused_with_how_to_sign_in(client):
    response = client.get(GPUS)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="api", Bearer realm="api"'
    assert response.headers["Content-Type"] == "application/problem+json"


def test_public_reading_needs_nobody_and_lets_nobody_send(client, public):
    assert status(client, {}) == 200
    assert client.post(INGEST).status_code == 401


def test_a_name_and_password_let_one_read(client, person):
    assert status(client, basic("reader")) == 200


def test_what_is_wrong_is_refused_even_where_reading_is_public(client, person, public):
    assert status(client, basic("reader", "wrong")) == 401
    assert status(client, bearer("wrong")) == 401


def test_a_disabled_account_is_refused(client, person):
    User.objects.update(is_active=False)
    assert status(client, basic("reader")) == 401


def test_a_session_lets_one_read(client, person):
    client.force_login(person)
    assert status(client, {}) == 200


@pytest.mark.parametrize("name", ["reader", "sender", "chief"])
def test_people_send_who_are_operators_or_superusers(client, person, name):
    make_operator("sender")
    User.objects.create_superuser("chief", password=PASSWORD)
    answer = client.post(INGEST, b"", content_type="text/plain", headers=basic(name))
    assert answer.status_code == (403 if name == "reader" else 415)


def test_ten_wrong_passwords_lock_a_user_out_at_one_address_alone(client, person):
    for _ in range(10):
        last = client.get(GPUS, headers=basic("reader", "wrong"))
    assert last.status_code == 429
    response = client.get(GPUS, headers=basic("reader"))
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "900"
    assert response.headers["Content-Type"] == "application/problem+json"
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert status(elsewhere, basic("reader")) == 200


def test_the_admin_locks_out_too(client, person):
    for _ in range(10):
        last = client.post("/admin/login/", {"username": "reader", "password": "wrong"})
    assert last.status_code == 429
    assert "15 minutes" in last.content.decode()
    right = client.post("/admin/login/", {"username": "reader", "password": PASSWORD})
    assert right.status_code == 429


@pytest.mark.parametrize(
    "header",
    [
        "Bearer", "Bearer ", "Bearer  ", "Bearer null", "Bearer egt__", "Bearer egt_000000000000_",
        "Bearer egt_000000000000_" + 43 * "A", "Bearer egt_é", "Bearer\x00", "bearer , Bearer",
        "Basic", "Basic ", "Basic Og==", "Basic OnBhc3N3b3Jk", "Basic %%%", "Basic AP8=", "Token x",
        "", " ",
    ],
)  # fmt: skip
def test_a_key_that_is_empty_malformed_or_forged_is_refused(client, public, header):
    make_token(Role.ADMIN)
    assert status(client, {"Authorization": header}) == 401


def test_a_right_prefix_with_another_secret_is_refused(client):
    token = make_token()
    assert status(client, bearer(token)) == 200
    assert status(client, bearer(token[:-1] + ("B" if token[-1] == "A" else "A"))) == 401
    assert status(client, bearer(token + "=")) == 401
    assert status(client, bearer(token.upper())) == 401


def test_a_token_decides_alone_whatever_session_comes_with_it(client, person):
    client.force_login(User.objects.create_superuser("chief"))
    answer = client.post(INGEST, headers=bearer(make_token(Role.VIEWER)))
    assert answer.status_code == 403


def test_a_token_needs_no_csrf_token():
    client = Client(enforce_csrf_checks=True)
    answer = client.post(
        INGEST, b"", content_type="text/plain", headers=bearer(make_token(Role.OPERATOR))
    )
    assert answer.status_code == 415


def test_a_revoked_token_is_refused_once_it_is_forgotten(client):
    token = make_token()
    assert status(client, bearer(token)) == 200
    ApiToken.objects.update(revoked_at=timezone.now())
    tokens.forget()
    assert status(client, bearer(token)) == 401


def test_an_expired_token_is_refused(client):
    token = make_token(expires_at=timezone.now() - timedelta(seconds=1))
    assert status(client, bearer(token)) == 401


def test_a_token_that_expires_soon_is_not_remembered_for_longer(client, monkeypatch):
    token = make_token(expires_at=timezone.now() + timedelta(seconds=2))
    assert status(client, bearer(token)) == 200
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 2.5)
    assert tokens.remembered(token) is None


def test_a_token_costs_no_statement_while_it_is_remembered(client):
    token = make_token()
    with CaptureQueriesContext(connection) as first:
        client.get("/api/v1/metrics", headers=bearer(token))
    with CaptureQueriesContext(connection) as second:
        client.get("/api/v1/metrics", headers=bearer(token))
    assert len(first) - len(second) == 2  # the lookup, and the note of its use


def test_the_last_use_of_a_token_is_noted_once_a_minute(client):
    token = make_token()
    assert status(client, bearer(token)) == 200
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    tokens.forget()
    assert status(client, bearer(token)) == 200
    assert ApiToken.objects.get().last_used_at == noted
    ApiToken.objects.update(last_used_at=noted - timedelta(minutes=2))
    tokens.forget()
    assert status(client, bearer(token)) == 200
    assert ApiToken.objects.filter(last_used_at__gte=noted).exists()


def test_the_secret_is_not_stored(client):
    token = make_token()
    row = ApiToken.objects.values().get()
    text = read_token(token)
    assert text is not None
    assert text.secret.encode() not in repr(row).encode()
    assert len(bytes(row["secret_sha256"])) == 32


def problem_429(response):
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["title"] == "Too Many Requests"


def test_each_token_has_its_own_limit(client, settings):
    settings.THROTTLE_KEY_PER_S = 1
    one, other = make_token(name="one"), make_token(name="other")
    throttling.forget()
    assert status(client, bearer(one)) == 200
    problem_429(client.get(GPUS, headers=bearer(one)))
    assert status(client, bearer(other)) == 200


def test_each_address_has_its_own_limit_and_says_so_through_trusted_proxies_alone(
    client, public, settings
):
    settings.THROTTLE_ADDRESS_PER_S = 1
    assert status(client, {"X-Forwarded-For": "192.0.2.1"}) == 200
    problem_429(client.get(GPUS, headers={"X-Forwarded-For": "192.0.2.2"}))
    settings.NUM_PROXIES = 1
    assert status(client, {"X-Forwarded-For": "192.0.2.9, 192.0.2.3"}) == 200
    problem_429(client.get(GPUS, headers={"X-Forwarded-For": "192.0.2.8, 192.0.2.3"}))


def test_an_address_that_fails_too_often_is_limited(client, settings, person):
    settings.THROTTLE_FAILURES_PER_MIN = 2
    assert [status(client, bearer("wrong")) for _ in range(2)] == [401, 401]
    problem_429(client.get(GPUS, headers=bearer("wrong")))
    problem_429(client.get(GPUS, headers=basic("reader")))
    assert status(client, bearer(make_token())) == 200


def test_a_probe_is_never_limited(client, settings):
    settings.THROTTLE_ADDRESS_PER_S = 1
    assert [status(client, {}, "/health") for _ in range(3)] == [200] * 3
