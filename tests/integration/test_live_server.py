"""Live telemetry through the gateway's own server: sockets, event streams, PostgreSQL restarts."""

import asyncio
import http.client
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import psycopg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.integration.test_gateway_server import DEADLINE_S, ROOT, gateway

pytestmark = pytest.mark.django_db(transaction=True)

STORE = """
WITH cluster AS (
  INSERT INTO telemetry_cluster (slug) VALUES ('lab')
  ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug RETURNING id
), host AS (
  INSERT INTO telemetry_host (cluster_id, hostname) SELECT id, 'host-1' FROM cluster
  ON CONFLICT (cluster_id, hostname) DO UPDATE SET hostname = excluded.hostname RETURNING id
), gpu AS (
  INSERT INTO telemetry_gpu (uuid, host_id, gpu_index, described_at)
  SELECT 'GPU-1', id, 0, now() FROM host
  ON CONFLICT (uuid) DO UPDATE SET described_at = now() RETURNING id
), latest AS (
  INSERT INTO telemetry_latestsample (gpu_id, timestamp, power_draw)
  SELECT id, now(), %s FROM gpu
  ON CONFLICT (gpu_id) DO UPDATE
  SET power_draw = excluded.power_draw, changed_in = excluded.changed_in
)
SELECT pg_notify('telemetry_samples', '{}')
"""


def store(environment, power_draw):
    """What a collector commits, in short."""
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        connection.execute(STORE, [power_draw])


class Client:
    """A WebSocket client that passes over what it does not wait for."""

    def __init__(self, socket):
        self.socket = socket

    async def hear(self, kind):
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), DEADLINE_S))
            if message["type"] == kind:
                return message

    async def draws(self, power_draw):
        """Return when this power draw has come, in whatever message."""
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), DEADLINE_S))
            if any(one["power_draw"] == power_draw for one in message.get("results", ())):
                return message


async def subscribed(address, **members):
    url = address.replace("http://", "ws://") + "/ws/telemetry/"
    socket = await connect(url, compression=None)
    await socket.send(json.dumps({"type": "subscribe", **members}))
    return Client(socket)


class Events:
    """An event stream, read event by event."""

    def __init__(self, address, path="/api/v1/stream", **headers):
        self._connection = http.client.HTTPConnection(
            address.removeprefix("http://"), timeout=DEADLINE_S
        )
        self._connection.request("GET", path, headers=headers)
        self.response = self._connection.getresponse()

    def next(self, kind):
        """The id and the data of the next event of this kind."""
        found = {}
        while True:
            line = self.response.readline().decode()
            assert line, "the stream has ended"
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                found[name] = value
            elif found.get("event") == kind:
                return found.get("id"), json.loads(found["data"])
            else:
                found = {}

    def close(self):
        self.response.close()
        self._connection.close()


def test_sockets_and_streams_follow_commits_and_are_told_when_the_server_stops(environment):
    store(environment, 1.0)
    with gateway(environment | {"PUBLIC_READ": "true"}) as (process, address):

        async def scenario():
            client = await subscribed(address, filters={"host": "host-1"})
            await client.hear("snapshot")
            await asyncio.to_thread(store, environment, 2.0)
            await client.draws(2.0)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as caught:
                await client.hear("nothing")
            close = caught.value.rcvd
            assert close is not None
            assert (close.code, close.reason) == (1001, "the server stops")

        events = Events(address, "/api/v1/stream?gpu_uuid=GPU-1&metrics=power_draw")
        assert events.response.headers["Content-Type"].startswith("text/event-stream")
        cursor, snapshot = events.next("snapshot")
        assert snapshot["cursor"] == cursor
        asyncio.run(scenario())
        _, update = events.next("update")
        assert update["results"][0]["power_draw"] == 2.0
        assert events.next("end")[1]["detail"] == "the server stops"
        events.close()
        process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0


def test_a_stream_resumes_after_its_last_event_and_refuses_what_it_cannot_use(environment):
    store(environment, 1.0)
    with gateway(environment | {"PUBLIC_READ": "true"}) as (_, address):
        first = Events(address)
        cursor, _ = first.next("snapshot")
        first.close()
        stays = Events(address)
        stays.next("snapshot")
        for power_draw in (2.0, 3.0):
            store(environment, power_draw)
            stays.next("update")
        second = Events(address, **{"Last-Event-ID": cursor})
        _, update = second.next("update")
        assert [one["power_draw"] for one in update["results"]] == [2.0, 3.0]
        for one in (stays, second):
            one.close()
        for query in ("metrics=nope", "x=1", "cursor=1", "interval_ms=-1", "gpu_uuid=a&gpu_uuid=b"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{address}/api/v1/stream?{query}")
            assert caught.value.code == 400
            assert json.load(caught.value)["parameter"] == query.partition("=")[0]
        many = "&".join(f"a{number}=1" for number in range(2000))
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{address}/api/v1/stream?{many}")
        assert caught.value.code == 400
        assert "number of GET/POST parameters" in json.load(caught.value)["detail"]


def test_a_stream_asks_who_is_there(environment):
    with gateway(environment | {"PUBLIC_READ": "false"}) as (_, address):
        for headers in ({}, {"Authorization": "Bearer egt_no"}):
            request = urllib.request.Request(f"{address}/api/v1/stream", headers=headers)
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request)
            assert caught.value.code == 401
            assert caught.value.headers["Content-Type"] == "application/problem+json"
            assert "Bearer" in caught.value.headers["WWW-Authenticate"]


def test_a_page_of_an_allowed_origin_may_read_the_stream_with_a_token(environment):
    allowed = "https://board.example"
    settings = {"PUBLIC_READ": "true", "CORS_ALLOWED_ORIGINS": allowed}
    with gateway(environment | settings) as (_, address):
        for origin in (allowed, "https://evil.example"):
            preflight = urllib.request.Request(
                f"{address}/api/v1/stream", method="OPTIONS",
                headers={"Origin": origin, "Access-Control-Request-Method": "GET",
                         "Access-Control-Request-Headers": "authorization"},
            )  # fmt: skip
            events = Events(address, Origin=origin)
            granted = events.response.headers["Access-Control-Allow-Origin"]
            assert granted == (allowed if origin == allowed else None)
            events.close()
            if origin == allowed:
                with urllib.request.urlopen(preflight) as answer:
                    assert "authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_clients_are_told_that_postgresql_was_away_and_go_on_when_it_is_back(stack):
    environment = stack.environment()
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT, env=environment, check=True, timeout=120,
    )  # fmt: skip
    store(environment, 1.0)
    with gateway(environment) as (_, address):

        async def scenario():
            client = await subscribed(address)
            await client.draws(1.0)
            await asyncio.to_thread(stack.postgres.child.kill)
            assert (await client.hear("error"))["status"] == 503
            await asyncio.to_thread(stack.postgres.restart)
            await client.hear("missed")
            await client.hear("snapshot")
            await asyncio.to_thread(store, environment, 2.0)
            await client.draws(2.0)
            await client.socket.close()

        asyncio.run(scenario())
