"""/health and /ready."""

import tomllib
from pathlib import Path

import pytest
from django.conf import settings as project
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from apps.gateway import probes

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _forget_migrations():
    probes._require_migrations.cache_clear()
    yield
    probes._require_migrations.cache_clear()


def test_health_answers_with_the_version_and_asks_no_server(client, no_postgresql):
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "version": project.VERSION}


def test_the_version_is_the_package_s():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert package["project"]["version"] == project.VERSION


@pytest.mark.django_db
def test_ready_when_postgresql_answers_and_is_migrated(client):
    response = client.get("/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


def test_not_ready_while_postgresql_does_not_answer(client, no_postgresql):
    response = client.get("/ready")
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "PostgreSQL does not answer" in response.json()["detail"]


@pytest.mark.django_db
def test_not_ready_before_migrations_and_ready_after_them(client):
    recorder = MigrationRecorder(connection)
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("telemetry")
    recorder.record_unapplied(*newest)
    response = client.get("/ready")
    assert response.status_code == 503
    assert "manage.py migrate" in response.json()["detail"]
    recorder.record_applied(*newest)
    assert client.get("/ready").status_code == 200
