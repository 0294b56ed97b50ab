"""What the contract tests share: a client that anybody may be, and one that reads JSON."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.embedded.ports import free_port


@pytest.fixture
def public(settings: Any) -> None:
    """Reading is open to all."""
    settings.PUBLIC_READ = True


@pytest.fixture
def get(client: Client, public: None, db: None) -> Callable[..., Any]:
    """GET a path and read the JSON of its answer, which must be 200."""

    def read(path: str, **query: Any) -> Any:
        response = client.get(path, query)
        assert response.status_code == 200, response.content
        assert response.headers["Content-Type"] == "application/json"
        return response.json()

    return read


@pytest.fixture
def no_postgresql(transactional_db: None) -> Iterator[None]:
    """PostgreSQL is where nobody listens."""
    connection.close()
    port = connection.settings_dict["PORT"]
    connection.settings_dict["PORT"] = free_port()
    yield
    connection.close()
    connection.settings_dict["PORT"] = port
