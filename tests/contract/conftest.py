"""What the contract tests share: a client that anybody may be, and what asks and reads for it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.fleet_rows import make_gpu, make_samples


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
def ask(client: Client, public: None) -> Callable[..., Any]:
    """Sends a GraphQL query that must be executed; returns the whole answer."""

    def send(query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        response = client.post("/graphql", body, content_type="application/json")
        assert response.status_code == 200, response.content
        assert response.headers["Content-Type"] == "application/json"
        return response.json()

    return send


@pytest.fixture
def data(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Sends a GraphQL query that must succeed; returns its data."""

    def send(query: str, **variables: Any) -> Any:
        answer = ask(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    return send


@pytest.fixture
def five(db: None) -> list[datetime]:
    """GPU-host-1-0 with samples 0 to 4, one per second."""
    return make_samples(make_gpu(), 5, temperature=40, extra={"DCGM_FI_DEV_FAN_SPEED": 40})


@pytest.fixture
def no_postgresql(transactional_db: None) -> Iterator[None]:
    """PostgreSQL is where nobody listens."""
    connection.close()
    port = connection.settings_dict["PORT"]
    with closing(socket.socket()) as taken:  # and so nobody else comes to listen there
        taken.bind(("127.0.0.1", 0))
        connection.settings_dict["PORT"] = taken.getsockname()[1]
        yield
    connection.close()
    connection.settings_dict["PORT"] = port
