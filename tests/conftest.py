"""Fixtures that every kind of test may use; tests/services.py starts the servers behind them."""

import os
import uuid
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import TransactionTestCase

from apps.embedded.stack import Stack
from tests.empty_tables import empty_tables


@pytest.fixture(scope="session", autouse=True)
def _passwords_are_hashed_quickly() -> None:
    """A quarter of a second for each is for those who guess; a gateway reads these as well."""
    PBKDF2PasswordHasher.iterations = 1


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_quickly() -> None:
    """What Django does after each test that commits; `self` is its test case."""
    TransactionTestCase._fixture_teardown = lambda self: empty_tables()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _nobody_is_remembered() -> None:
    """What the tests before this one asked for counts against no limit of this one."""
    from apps.gateway.access import throttling, tokens  # noqa: PLC0415 - Django is set up by now

    throttling.forget()
    tokens.forget()


@pytest.fixture
def etcd_endpoints() -> list[str]:
    """host:port of each member of the run's etcd; a test keeps to its own `cluster_id` there."""
    return os.environ["ETCD_ENDPOINTS"].split(",")


@pytest.fixture
def cluster_id() -> str:
    """A cluster that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def environment(transactional_db: None, cluster_id: str) -> dict[str, str]:
    """The environment for a child process that sees this test's database and cluster.

    The test's own writes are committed (`transactional_db`), or the child would not see them.
    """
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    database = str(connection.settings_dict["NAME"])
    return {**os.environ, "DATABASE_URL": f"{server}/{database}", "CLUSTER_ID": cluster_id}


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Servers of this test alone, which it may kill."""
    with Stack() as own:
        yield own
