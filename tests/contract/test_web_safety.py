"""What browsers are told: content policy, other origins, HTTPS; and the deployment check."""

import os
import re
import secrets
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.gateway.access.origins import is_origin_allowed
from tests.contract.settings_source import ROOT

ORIGIN = "https://grafana.example.com"
PAGES = ["/api/docs/", "/api/redoc/", "/admin/login/", "/admin/", "/admin/gateway/apitoken/add/"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_no_script_and_no_style_but_its_own(admin, path):
    response = admin.get(path, follow=True)
    page, policy = response.content.decode(), response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert {"object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(
        policy.split("; ")
    )
    for tag in re.findall(r"<(?:script|style)\b[^>]*>", page):
        nonces = re.findall(r'nonce="([^"]+)"', tag)
        is_known = any(f"'nonce-{nonce}'" in policy for nonce in nonces)
        assert is_known or "src=" in tag or "application/json" in tag, tag
    assert not re.search(r'\s(?:style|on[a-z]+)="', page)


def test_each_answer_has_a_nonce_of_its_own(client):
    policies = {client.get("/api/docs/").headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


@pytest.mark.parametrize("path", ["/health", "/api/v1/gpus", "/api/v1/nothing"])
def test_data_may_load_nothing(client, path):
    policy = client.get(path).headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


def test_pages_of_other_origins_may_not_read_unless_listed(client, public, settings):
    header = "Access-Control-Allow-Origin"
    assert header not in client.get("/api/v1/gpus", headers={"Origin": ORIGIN}).headers
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    client = Client()  # as a gateway that is started anew
    listed = client.get("/api/v1/gpus", headers={"Origin": ORIGIN}).headers
    assert listed[header] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in listed
    assert header not in client.get("/admin/login/", headers={"Origin": ORIGIN}).headers


def test_a_listed_origin_may_ask_with_a_token(client, settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    response = client.options("/api/v1/gpus", headers=asked)
    assert response.status_code == 200
    assert "authorization" in response.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "localhost:8000", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("https://localhost:8000", "localhost:8000", True),
        ("http://localhost:9000", "localhost:8000", False),
        ("http://evil.example", "localhost:8000", False),
        ("http://evil.example", "evil.example", False),
        ("null", "localhost:8000", False),
        ("http://localhost:8000@evil.example", "localhost:8000", False),
        (ORIGIN, "localhost:8000", True),
        (f"{ORIGIN}.evil.example", "localhost:8000", False),
    ],
)
def test_which_pages_may_open_a_socket(settings, origin, host, allowed):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.ALLOWED_HOSTS = ["localhost"]
    assert is_origin_allowed(origin, host) is allowed


def test_browsers_find_an_icon(client):
    response = client.get("/favicon.ico")
    assert response.status_code == 200
    assert response.content[:4] == b"\0\0\1\0"


def _manage(*argv, **environment):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *argv],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VAR_DIR": os.environ["VAR_DIR"]} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_deployment_check_has_nothing_to_say_behind_a_proxy():
    done = _manage(
        "check", "--deploy", "--fail-level", "WARNING", SECRET_KEY=secrets.token_urlsafe(48),
        ALLOWED_HOSTS="telemetry.example.com", NUM_PROXIES="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


SHOWN = (
    "from django.conf import settings as s; "
    "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0, "
    "s.SECURE_SSL_REDIRECT)"
)


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({}, "True True True False"),
        ({"NUM_PROXIES": "1"}, "True True True True"),
        ({"HTTPS": "false", "NUM_PROXIES": "1"}, "False False False False"),
        ({"DEBUG": "true"}, "False False False False"),
    ],
)
def test_https_is_expected_unless_told_otherwise(environment, shown):
    done = _manage("shell", "--no-imports", "--command", SHOWN, SECRET_KEY="k" * 50, **environment)
    assert done.stdout.strip().splitlines()[-1] == shown, done.stderr


def test_plain_http_behind_a_proxy_is_redirected_but_for_probes(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    client.handler.load_middleware()
    assert client.get("/api/docs/").status_code == 301
    assert client.get("/health").status_code == 200
    assert client.get("/api/docs/", headers={"X-Forwarded-Proto": "https"}).status_code == 200
