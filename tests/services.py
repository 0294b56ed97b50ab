"""Pytest plugin: a real PostgreSQL and etcd for the run, up before Django reads its settings.

DATABASE_URL and ETCD_ENDPOINTS, where set, are used instead. If servers are missing and cannot be
started, tests that need them are skipped with the reason, and with CI=true the run fails.
"""

import os
from collections.abc import Generator

import pytest

from apps.embedded.processes import StartFailed
from apps.embedded.stack import Stack

NEEDED_BY = {"db", "transactional_db", "django_db_setup", "etcd_endpoints", "environment", "stack"}
_missing = pytest.StashKey[str]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,
) -> Generator[None, object, object]:
    """A wrapper runs before every plain hook, pytest-django's included."""
    options = early_config.known_args_namespace
    if not (options.help or options.collectonly):
        _start(early_config)
    return (yield)


def _start(config: pytest.Config) -> None:
    endpoints = os.environ.get("ETCD_ENDPOINTS", "")
    stack = Stack(
        database_url=os.environ.get("DATABASE_URL", ""),
        etcd_endpoints=endpoints.split(",") if endpoints else (),
    )
    config.add_cleanup(stack.stop)
    try:
        stack.start()
    except StartFailed as error:
        if os.environ.get("CI") == "true":
            raise pytest.UsageError(f"CI needs its services: {error}") from error
        config.stash[_missing] = str(error)
        return
    # VAR_DIR too: a local.env of `make run` must not reach the tests.
    os.environ.update(stack.settings() | {"VAR_DIR": str(stack.directory)})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs the servers that could not be started."""
    reason = config.stash.get(_missing, None)
    if reason is None:
        return
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & NEEDED_BY or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.skip(reason=reason))
