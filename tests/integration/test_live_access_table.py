"""Every visitor gets what the table says from every socket and from the stream."""

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async

from apps.gateway.access.roles import Role
from apps.gateway.serving.front import STREAM_PATH
from apps.gateway.stream.application import sse_application
from apps.gateway.ws import live_socket
from apps.gateway.ws.application import ROUTES
from tests.contract.access_table import OK, SOCKETS, STREAM, VISITORS
from tests.integration.live_sockets import DEADLINE_S, asynchronous, socket
from tests.signing_in import make_token

ROLES = {
    "viewer": (Role.VIEWER, ()),
    "scoped viewer": (Role.VIEWER, ("b",)),
    "scoped operator": (Role.OPERATOR, ("b",)),
    "operator": (Role.OPERATOR, ()),
    "admin": (Role.ADMIN, ()),
}

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "of_cluster_a", "etcd_endpoints"),
]


@pytest.fixture
def of_cluster_a(settings, monkeypatch):
    settings.PUBLIC_READ, settings.CLUSTER_ID = False, "a"
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(live_socket, "AUTHENTICATE_S", 0.2)


async def token_of(visitor):
    """Of nobody, none."""
    return await database_sync_to_async(make_token)(*ROLES[visitor]) if visitor in ROLES else ""


def test_every_socket_is_in_the_table():
    assert set(ROUTES) == set(SOCKETS)


@pytest.mark.parametrize("path", SOCKETS)
@asynchronous
async def test_each_visitor_gets_from_a_socket_what_the_table_says(path):
    found = {}
    for visitor in VISITORS:
        async with socket(path, token=await token_of(visitor)) as client:
            event = await client.receive_output(timeout=DEADLINE_S)
            found[visitor] = OK if event["type"] == "websocket.send" else event["code"]
    assert found == dict(zip(VISITORS, SOCKETS[path], strict=True))


@asynchronous
async def test_each_visitor_gets_from_the_stream_what_the_table_says():
    found = {}
    for visitor in VISITORS:
        token = await token_of(visitor)
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "path": STREAM_PATH,
            "query_string": b"", "raw_path": STREAM_PATH.encode(), "scheme": "http",
            "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
            "headers": [(b"host", b"127.0.0.1"), *headers],
        }  # fmt: skip
        client = ApplicationCommunicator(sse_application, scope)
        await client.send_input({"type": "http.request", "body": b"", "more_body": False})
        start = await client.receive_output(timeout=DEADLINE_S)
        found[visitor] = OK if start["status"] == 200 else start["status"]
        await client.send_input({"type": "http.disconnect"})
        await client.wait(timeout=DEADLINE_S)
    assert found == dict(zip(VISITORS, STREAM, strict=True))
