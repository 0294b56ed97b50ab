"""What a subscription is sent: snapshot, updates, what it missed; however fast it reads."""

import asyncio
import json
import threading

import pytest
from channels.db import database_sync_to_async
from django.db import connection, connections, transaction

from apps.gateway.live import hub as hubs
from apps.gateway.live import sending, source
from apps.gateway.ws.application import websocket_application
from apps.telemetry.models import Gpu, LatestSample
from tests.integration.live_sockets import NOW, asynchronous, seen, socket, subscribed, tick

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "public_read"),
]


@pytest.fixture
def public_read(settings):
    settings.PUBLIC_READ = True


@asynchronous
async def test_a_subscriber_gets_a_snapshot_and_then_what_each_commit_changed():
    await tick(0, 0, 1)
    async with socket() as client:
        assert (await client.hear("authenticated"))["name"] == ""
        await client.say("subscribe")
        snapshot = await client.hear("snapshot")
        assert snapshot["id"] == "telemetry"
        assert snapshot["count"] == 2
        assert seen(snapshot) == [("GPU-0000", 0), ("GPU-0001", 0)]
        await tick(1, 1)
        update = await client.hear("update")
        assert seen(update) == [("GPU-0001", 1)]
        assert update["cursor"] != snapshot["cursor"]


@asynchronous
async def test_an_empty_fleet_has_an_empty_snapshot_and_a_gpu_that_registers_is_an_update():
    async with socket() as client:
        await client.hear("authenticated")
        await client.say("subscribe")
        assert (await client.hear("snapshot"))["results"] == []
        await tick(0, 5)
        (sample,) = (await client.hear("update"))["results"]
        assert sample["uuid"] == "GPU-0005"
        assert (sample["cluster"], sample["hostname"], sample["gpu_id"]) == ("lab", "host-0", 5)
        assert sample["timestamp"] == NOW.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@asynchronous
async def test_a_late_sample_is_no_update_and_one_that_adds_to_the_newest_is():
    await tick(1, 0)
    async with subscribed() as client:
        await tick(0, 0)
        await tick(1, 0, temperature=60.0)
        (sample,) = (await client.hear("update"))["results"]
        assert (sample["power_draw"], sample["temperature"]) == (1, 60)


@asynchronous
async def test_filters_and_metrics_choose_and_several_subscriptions_share_a_socket():
    await tick(0, 0, 1, 9)
    async with socket() as client:
        await client.hear("authenticated")
        for id, filters in {
            "host": {"host": "host-1", "metrics": ["power_draw"]},
            "gpu": {"gpu_uuid": ["GPU-0000", "GPU-0009", "GPU-none"], "cluster": "lab"},
            "none": {"cluster": "elsewhere"},
        }.items():
            await client.say("subscribe", id=id, filters=filters)
        snapshots = {one["id"]: one for one in [await client.hear("snapshot") for _ in range(3)]}
        assert seen(snapshots["host"]) == [("GPU-0009", 0)]
        assert set(snapshots["host"]["results"][0]) == {
            "uuid", "cluster", "hostname", "gpu_id", "timestamp", "power_draw"
        }  # fmt: skip
        assert seen(snapshots["gpu"]) == [("GPU-0000", 0), ("GPU-0009", 0)]
        assert snapshots["none"]["count"] == 0
        await tick(1, 0, 1)
        update = await client.hear("update")
        assert (update["id"], seen(update)) == ("gpu", [("GPU-0000", 1)])


@asynchronous
async def test_a_subscription_of_the_same_id_replaces_the_one_before():
    await tick(0, 0, 1)
    async with subscribed() as client:
        await client.say("subscribe", filters={"gpu_uuid": "GPU-0001"})
        assert seen(await client.hear("snapshot")) == [("GPU-0001", 0)]
        await tick(1, 0, 1)
        assert seen(await client.hear("update")) == [("GPU-0001", 1)]


@asynchronous
async def test_nothing_comes_after_unsubscribing():
    await tick(0)
    async with subscribed() as client:
        await client.say("unsubscribe")
        assert (await client.hear("unsubscribed"))["id"] == "telemetry"
        await tick(1)
        assert await client.hears_nothing()
        await client.say("unsubscribe")
        assert (await client.hear("error"))["parameter"] == "id"


@asynchronous
async def test_updates_within_the_interval_come_as_one_with_the_newest_samples():
    async with socket() as client:
        await client.hear("authenticated")
        await client.say("subscribe", interval_ms=1500)
        await client.hear("snapshot")
        await tick(1, 0)
        assert seen(await client.hear("update")) == [("GPU-0000", 1)]
        await tick(2, 0)
        await tick(3, 0, 1)
        assert seen(await client.hear("update")) == [("GPU-0000", 3), ("GPU-0001", 3)]


@asynchronous
async def test_whoever_comes_back_with_its_cursor_gets_every_change_in_between_and_no_snapshot():
    await tick(0, 0, 1)
    async with subscribed() as stays:
        async with socket() as leaves:
            await leaves.hear("authenticated")
            await leaves.say("subscribe")
            cursor = (await leaves.hear("snapshot"))["cursor"]
        for second in (1, 2):
            await tick(second, 0)
            await stays.hear("update")
        async with socket() as back:
            await back.hear("authenticated")
            await back.say("subscribe", cursor=cursor, filters={"gpu_uuid": "GPU-0000"})
            assert seen(await back.hear("update")) == [("GPU-0000", 1), ("GPU-0000", 2)]
            await tick(3, 0)
            assert seen(await back.hear("update")) == [("GPU-0000", 3)]


@asynchronous
async def test_a_process_that_had_no_client_while_something_changed_says_that_it_was_missed():
    await tick(0)
    async with socket() as client:
        await client.hear("authenticated")
        await client.say("subscribe", cursor="3:3:")
        assert "cursor" in (await client.hear("missed"))["detail"]
        assert seen(await client.hear("snapshot")) == [("GPU-0000", 0)]


@asynchronous
async def test_a_cursor_of_another_database_is_answered_by_missed_and_a_snapshot(monkeypatch):
    monkeypatch.setattr(hubs, "CATCH_UP_S", 0.1)
    await tick(0)
    async with subscribed() as client:
        await client.say("subscribe", cursor="99999999999:99999999999:")
        await client.hear("missed")
        await client.hear("snapshot")


@asynchronous
async def test_commits_in_another_order_than_their_transactions_began_leave_nothing_out():
    await tick(0, 0, 1)
    async with subscribed() as client:
        written, may_commit = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        work = (lambda: loop.call_soon_threadsafe(written.set), may_commit)
        slow = asyncio.create_task(asyncio.to_thread(_write_slowly, *work))
        await written.wait()
        await tick(1, 0)
        assert seen(await client.hear("update")) == [("GPU-0000", 1)]
        may_commit.set()
        await slow
        await tick(2, 0)
        assert seen(await client.hear("update")) == [("GPU-0000", 2), ("GPU-0001", 77)]


def _write_slowly(written, may_commit):
    """What a collector does whose transaction begins early and commits late."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            (number,) = cursor.fetchone()
            rows = LatestSample.objects.filter(gpu__uuid="GPU-0001")
            rows.update(power_draw=77, changed_in=number)
            written()
            assert may_commit.wait(30)
    finally:
        connections.close_all()


@asynchronous
async def test_a_client_that_does_not_read_gets_the_newest_samples_and_delays_nobody():
    await tick(0, 0, 1)
    may_read = asyncio.Event()
    heard = []

    async def read(event):
        if event["type"] == "websocket.send":
            heard.append(json.loads(event["text"]))
            if heard[-1]["type"] == "update":
                await may_read.wait()

    slow = _RawSocket(read)
    async with subscribed() as fast, slow:
        await slow.until(lambda: len(heard) == 2)
        for second in range(1, 6):
            await tick(second, 0, 1)
            assert seen(await fast.hear("update"))[0] == ("GPU-0000", second)
        may_read.set()
        # The one that was being sent, the one after it, and all others as one.
        await slow.until(lambda: len(heard) >= 5)
        assert [seen(one)[1] for one in heard[2:]] == [
            ("GPU-0001", 1), ("GPU-0001", 2), ("GPU-0001", 5)
        ]  # fmt: skip


@asynchronous
async def test_a_client_that_reads_nothing_for_long_is_cut_off_with_the_reason(monkeypatch):
    monkeypatch.setattr(sending, "STALL_S", 0.2)
    closed = []

    async def stuck(event):
        if event["type"] == "websocket.close":
            closed.append((event["code"], event["reason"]))
        elif event["type"] == "websocket.send":
            await asyncio.Event().wait()

    slow = _RawSocket(stuck)
    async with slow:
        await slow.until(lambda: closed)
        code, reason = closed[0]
        assert code == 4008
        assert "Nothing was read" in reason


@asynchronous
async def test_a_gpu_that_was_deleted_is_in_no_snapshot_after_everything_was_read_anew(
    monkeypatch,
):
    await tick(0, 0, 1)
    async with subscribed() as client:
        await database_sync_to_async(Gpu.objects.filter(uuid="GPU-0001").delete)()
        monkeypatch.setattr(source, "READ_ALL_S", 0.0)
        await tick(1, 0)
        await client.hear("update")
        await client.say("subscribe", id="again")
        assert seen(await client.hear("snapshot")) == [("GPU-0000", 1)]


class _RawSocket:
    """A subscribed client whose reading the test controls."""

    def __init__(self, send):
        self._send = send
        self._events: asyncio.Queue[dict[str, object]] = asyncio.Queue()

    async def __aenter__(self):
        scope = {
            "type": "websocket", "http_version": "1.1", "scheme": "ws", "path": "/ws/telemetry/",
            "raw_path": b"/ws/telemetry/", "query_string": b"", "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1), "headers": [(b"host", b"127.0.0.1")],
        }  # fmt: skip
        self._task = asyncio.create_task(websocket_application(scope, self._events.get, self._send))
        await self._events.put({"type": "websocket.connect"})
        await self._events.put({"type": "websocket.receive", "text": '{"type":"subscribe"}'})
        return self

    async def __aexit__(self, *_):
        await self._events.put({"type": "websocket.disconnect", "code": 1000})
        await self._task

    async def until(self, condition):
        while not condition():
            await asyncio.sleep(0.01)
