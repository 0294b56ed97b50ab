"""Reads of the fleet by REST go to the replica, everything else and every doubt to the primary."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connections

from apps.embedded.ports import free_port
from tests.fleet_rows import make_gpu

ROOT = Path(__file__).parents[2]
# As the gateway would answer it, with the settings of the environment.
ASK = """
import django; django.setup()
from django.conf import settings
settings.ALLOWED_HOSTS = ["testserver"]
from django.test import Client
page = Client().get("/api/v1/gpus").json()
stats = Client().get("/api/v1/stats").json()
print("answer", page["count"], stats["gpus"])
from apps.telemetry.models import Gpu
print("outside", Gpu.objects.count())
"""


@pytest.fixture
def copy(environment):
    """A copy of the test's database, with a GPU more than the primary will have."""
    server, _, name = environment["DATABASE_URL"].rpartition("/")
    make_gpu("host-1", 0)
    connections.close_all()
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"')
        yield f"{server}/{name}_copy"
        admin.execute(f'DROP DATABASE "{name}_copy" WITH (FORCE)')


def ask(environment, replica):
    environment = {**environment, "PUBLIC_READ": "true", "REPLICA_DATABASE_URL": replica,
                   "DJANGO_SETTINGS_MODULE": "telemetry_project.settings"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_rest_reads_the_replica_and_the_rest_the_primary(environment, copy):
    make_gpu("host-1", 1)  # the replica does not have it
    assert ask(environment, copy) == ["answer 1 1", "outside 2"]


def test_without_the_replica_the_primary_answers(environment):
    make_gpu("host-1", 0)
    away = f"postgres://nobody@127.0.0.1:{free_port()}/nowhere"
    assert ask(environment, away) == ["answer 1 1", "outside 1"]
