"""Who may open a WebSocket, what they see there, what they may send, and how they are put out."""

import json
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from apps.gateway.access import throttling, tokens
from apps.gateway.access.api_token import ApiToken, issue
from apps.gateway.access.roles import Role
from apps.gateway.live import visitor
from apps.gateway.live.clients import close_all
from apps.gateway.ws import live_socket
from tests.integration.live_sockets import (
    DEADLINE_S,
    asynchronous,
    seen,
    socket,
    subscribed,
    tick,
    unopened,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "private"),
]


@pytest.fixture
def private(settings):
    settings.PUBLIC_READ = False
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    tokens.forget()
    throttling.forget()


@pytest.fixture
def public(settings, private):
    settings.PUBLIC_READ = True


@pytest.fixture
def token():
    return str(issue(name="viewer", role=Role.VIEWER)[1])


@asynchronous
async def test_a_token_in_the_header_lets_one_in(token):
    async with socket(token=token) as client:
        assert (await client.hear("authenticated"))["name"].startswith("token viewer")


@asynchronous
async def test_a_token_in_the_first_message_lets_one_in(token):
    async with socket() as client:
        await client.say("authenticate", token=token)
        await client.hear("authenticated")
        await client.say("subscribe")
        await client.hear("snapshot")
        await client.say("authenticate", token=token)
        assert (await client.hear("error"))["status"] == 400


@asynchronous
async def test_a_session_lets_one_in():
    def sign_in():
        browser = Client()
        browser.force_login(User.objects.create_user("reader"))
        return "; ".join(f"{name}={one.value}" for name, one in browser.cookies.items())

    cookie = await database_sync_to_async(sign_in)()
    async with socket(cookie=cookie) as client:
        assert (await client.hear("authenticated"))["name"] == "reader"


@asynchronous
async def test_a_wrong_token_is_refused_in_a_header_and_in_a_message():
    async with socket(token="egt_no") as client:
        assert (await client.closed())[0] == 4001
    async with socket() as client:
        await client.say("authenticate", token="egt_no")
        assert (await client.closed())[0] == 4001


@asynchronous
async def test_who_does_not_sign_in_is_put_out_and_told_nothing_before(monkeypatch):
    monkeypatch.setattr(live_socket, "AUTHENTICATE_S", 0.2)
    async with socket() as client:
        code, reason = await client.closed()
        assert code == 4001
        assert "Sign in" in reason
    async with socket() as client:
        await client.say("subscribe")
        assert (await client.closed())[0] == 4001


@asynchronous
async def test_a_token_sees_its_clusters_and_the_others_do_not_exist():
    _, text = await database_sync_to_async(issue)(name="a", role=Role.VIEWER, clusters=["mine"])
    await tick(0, 0, cluster="mine")
    await tick(0, 1, cluster="other")
    async with socket(token=str(text)) as client:
        await client.hear("authenticated")
        for filters in ({}, {"cluster": "other"}, {"gpu_uuid": ["GPU-0000", "GPU-0001"]}):
            await client.say("subscribe", filters=filters)
            snapshot = await client.hear("snapshot")
            assert {one["cluster"] for one in snapshot["results"]} <= {"mine"}
        await tick(1, 1, cluster="other")
        await tick(1, 0, cluster="mine")
        assert seen(await client.hear("update")) == [("GPU-0000", 1)]
    async with socket("/ws/pipeline/", token=str(text)) as client:
        assert (await client.closed())[0] == 4003


@pytest.mark.parametrize(
    "facts", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(1)}]
)
def test_a_token_that_is_revoked_or_expires_closes_its_sockets(token, monkeypatch, facts):
    monkeypatch.setattr(visitor, "RECHECK_S", 0.1)
    monkeypatch.setattr(live_socket, "RECHECK_S", 0.1)
    monkeypatch.setattr(tokens, "REMEMBERED_S", 0.05)

    @asynchronous
    async def scenario():
        async with socket(token=token) as client:
            await client.hear("authenticated")
            await database_sync_to_async(ApiToken.objects.update)(**facts)
            code, reason = await client.closed()
            assert code == 4001
            assert "revoked" in reason

    scenario()


@asynchronous
async def test_a_token_whose_clusters_change_must_connect_again(token, monkeypatch):
    monkeypatch.setattr(live_socket, "RECHECK_S", 0.1)
    monkeypatch.setattr(tokens, "REMEMBERED_S", 0.05)
    async with socket(token=token) as client:
        await client.hear("authenticated")
        await database_sync_to_async(ApiToken.objects.update)(clusters=["mine"])
        assert await client.closed() == (4003, visitor.CHANGED)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:9", "http://127.0.0.1.evil.example", "null"]
)
def test_a_page_of_another_origin_is_refused_before_anything_is_looked_at(origin, public, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]

    @asynchronous
    async def scenario():
        one = unopened(origin=origin)
        await one.send_input({"type": "websocket.connect"})
        event = await one.receive_output(timeout=DEADLINE_S)
        assert event["type"] == "websocket.close"
        await one.send_input({"type": "websocket.disconnect", "code": 1006})
        await one.wait(timeout=DEADLINE_S)

    scenario()


@asynchronous
async def test_its_own_pages_and_those_of_the_allow_list_may_connect(public, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://board.example"]
    for origin in ("http://127.0.0.1", "https://board.example"):
        async with socket(origin=origin) as client:
            await client.hear("authenticated")


@asynchronous
async def test_what_a_client_gets_wrong_is_answered_and_it_may_go_on(public):
    async with socket() as client:
        await client.hear("authenticated")
        wrong = {
            "no json": None,
            '{"type":"shout"}': "type",
            '{"type":"subscribe","id":"x","filters":{"metrics":["nope"]}}': "filters.metrics",
            '{"type":"subscribe","cursor":"x"}': "cursor",
        }
        for text, parameter in wrong.items():
            await client.say_text(text)
            error = await client.hear("error")
            assert (error["status"], error.get("parameter")) == (400, parameter)
        await client.say("ping", id="1")
        assert await client.hear("pong") == {"type": "pong", "id": "1"}


@asynchronous
async def test_a_socket_holds_so_many_subscriptions_and_no_more(public):
    async with socket() as client:
        await client.hear("authenticated")
        for number in range(16):
            await client.say("subscribe", id=str(number))
            await client.hear("snapshot")
        await client.say("subscribe", id="one more")
        assert (await client.hear("error"))["id"] == "one more"


@asynchronous
async def test_a_message_that_is_too_large_ends_the_socket(public):
    async with socket() as client:
        await client.say_text("x" * (live_socket.MAX_BYTES + 1))
        assert (await client.closed())[0] == 1009


@asynchronous
async def test_messages_without_end_end_the_socket(public):
    async with socket() as client:
        for _ in range(live_socket.BURST + 5):
            await client.say("ping")
        assert (await client.closed())[0] == 4029


@asynchronous
async def test_beyond_so_many_connections_one_is_told_to_come_again(public, settings):
    settings.LIVE_MAX_CONNECTIONS = 1
    async with socket() as first:
        await first.hear("authenticated")
        async with socket() as second:
            assert (await second.closed())[0] == 1013
    async with socket() as third:
        await third.hear("authenticated")


@asynchronous
async def test_when_the_server_stops_every_socket_is_told(public):
    async with subscribed() as one, socket("/ws/pipeline/") as other:
        await other.hear("authenticated")
        await close_all("the server stops")
        for client in (one, other):
            assert await client.closed() == (1001, "the server stops")


@asynchronous
async def test_the_pipeline_comes_by_itself_and_again_and_takes_no_subscription(
    public, settings, etcd_endpoints, cluster_id
):
    settings.CLUSTER_ID = cluster_id
    async with socket("/ws/pipeline/") as client:
        await client.hear("authenticated")
        for _ in range(2):
            assert (await client.hear("pipeline"))["pipeline"]["backlog"] == 0
        await client.say_text(json.dumps({"type": "subscribe"}))
        assert (await client.hear("error"))["status"] == 400


@asynchronous
async def test_the_pipeline_without_etcd_is_an_error_that_is_told_once(public, settings):
    settings.ETCD_ENDPOINTS = ["127.0.0.1:1"]
    settings.CLUSTER_ID = "none"
    async with socket("/ws/pipeline/") as client:
        await client.hear("authenticated")
        error = await client.hear("error")
        assert error["status"] == 503
        assert "etcd" in error["detail"]


@asynchronous
async def test_there_are_no_other_sockets():
    one = unopened("/ws/other/")
    await one.send_input({"type": "websocket.connect"})
    assert (await one.receive_output(timeout=DEADLINE_S))["type"] == "websocket.close"
