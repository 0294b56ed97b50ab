"""The telemetry of many GPUs by time, page by page, and the totals of the fleet."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.telemetry import queries
from apps.telemetry.ingest import store
from apps.telemetry.queries import FleetCursor, GpuChoice, Order, fleet_telemetry_json
from tests.integration.records import START, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

ALL = GpuChoice()


def at(second):
    return START + timedelta(seconds=second)


@pytest.fixture
def uneven():
    """Three GPUs: one dense, one sparse, one with a single sample, some at the same instants."""
    store("lab", [record(0, second, power_draw=second) for second in range(20)])
    store("lab", [record(1, second, power_draw=second) for second in range(0, 20, 7)])
    store("annex", [record(8, 3, power_draw=3)])


def rows(page):
    return [(row["power_draw"], row["uuid"]) for row in json.loads(page.results)]


def everything():
    sparse, dense = [(n, "GPU-0001") for n in range(0, 20, 7)], [(n, "GPU-0000") for n in range(20)]
    return sorted([*sparse, *dense, (3, "GPU-0008")])


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8, 23, 24, 25])
@pytest.mark.parametrize("order", list(Order))
def test_following_next_gives_every_sample_once_by_time(uneven, limit, order):
    seen, page = [], fleet_telemetry_json(ALL, limit=limit, order=order)
    while True:
        seen += rows(page)
        assert page.count == 24
        if page.next is None:
            break
        page = fleet_telemetry_json(ALL, limit=limit, order=order, cursor=page.next)
    assert seen == everything() if order is Order.ASC else seen == everything()[::-1]


@pytest.mark.parametrize("order", list(Order))
def test_next_and_previous_lead_to_each_other(uneven, order):
    first = fleet_telemetry_json(ALL, order=order, limit=5)
    second = fleet_telemetry_json(ALL, order=order, limit=5, cursor=first.next)
    back = fleet_telemetry_json(ALL, order=order, limit=5, cursor=second.previous)
    assert (back.results, back.next) == (first.results, first.next)
    assert (first.previous, back.previous) == (None, None)


def test_samples_stored_meanwhile_neither_repeat_nor_hide_others(uneven):
    first = fleet_telemetry_json(ALL, limit=6)
    store("lab", [record(1, 1, power_draw=1), record(16, 9, power_draw=9)])
    second = fleet_telemetry_json(ALL, limit=100, cursor=first.next)
    assert rows(first) + rows(second) == sorted([*everything(), (9, "GPU-0016")])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (GpuChoice(cluster="lab"), {"GPU-0000", "GPU-0001"}),
        (GpuChoice(hostname="host-1"), {"GPU-0008"}),
        (GpuChoice(uuid="GPU-0001"), {"GPU-0001"}),
        (GpuChoice(model="h100"), {"GPU-0000", "GPU-0001", "GPU-0008"}),
        (GpuChoice(model="A100"), set()),
        (GpuChoice(clusters=["annex"]), {"GPU-0008"}),
        (GpuChoice(clusters=["annex"], cluster="lab"), set()),
        (GpuChoice(clusters=[]), set()),
    ],
)
def test_only_the_chosen_gpus_are_read(uneven, choice, expected):
    page = fleet_telemetry_json(choice)
    assert {uuid for _, uuid in rows(page)} == expected
    assert page.count == len(rows(page))


def test_a_window_includes_both_its_ends_and_is_counted(uneven):
    page = fleet_telemetry_json(ALL, start=at(3), end=at(7), limit=2)
    assert rows(page) == [(3, "GPU-0000"), (3, "GPU-0008")]
    assert page.count == 7


def test_a_cursor_at_the_end_gives_an_empty_page(uneven):
    page = fleet_telemetry_json(ALL, cursor=FleetCursor(at(100), 1))
    assert (rows(page), page.next) == ([], None)


def test_a_page_is_one_statement(uneven):
    with CaptureQueriesContext(connection) as captured:
        fleet_telemetry_json(ALL, limit=3)
    assert len(captured) == 1


def test_totals_are_of_the_gpus_that_report(uneven):
    now = datetime.now(UTC)
    values = {"memory_used_mib": 20_000, "memory_free_mib": 60_000}
    store("lab", [record(2, timestamp=now, power_draw=400, gpu_utilization=90, **values)])
    store("lab", [record(3, timestamp=now, power_draw=80, gpu_utilization=0, **values)])
    stats = json.loads(queries.stats_json().body)
    assert (stats["gpus"], stats["reporting"], stats["lost"], stats["idle"]) == (5, 2, 3, 1)
    assert (stats["power_draw"], stats["gpu_utilization"]) == (480, 45)
    assert (stats["memory_used_mib"], stats["memory_total_mib"]) == (40_000, 160_000)
    other = json.loads(queries.stats_json(clusters=["annex"]).body)
    assert (other["gpus"], other["reporting"], other["power_draw"]) == (1, 0, None)


def test_the_latest_samples_say_who_reports_and_until_when_that_holds(uneven):
    now = datetime.now(UTC)
    store("lab", [record(2, timestamp=now, power_draw=1)])
    latest = queries.latest_json(state="reporting", columns=[])
    assert [row["uuid"] for row in json.loads(latest.results)] == ["GPU-0002"]
    assert latest.same_until == now + timedelta(seconds=90)
    assert queries.latest_json(state="lost").count == 3


def test_models_are_counted():
    store("lab", [record(gpu, 1) for gpu in range(3)])
    (model,) = queries.models()
    assert (model["model_name"], model["gpu_count"]) == ("NVIDIA H100 80GB HBM3", 3)
    assert not queries.models(clusters=["annex"])
