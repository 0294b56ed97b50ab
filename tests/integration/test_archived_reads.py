"""What the archive alone has is answered as it was before, byte for byte."""

from datetime import timedelta

import pytest

from apps.telemetry.archive.day import archive_day
from apps.telemetry.archive.restore import bring_back
from apps.telemetry.ingest import store
from apps.telemetry.queries import Cursor, Order, gpu_telemetry_json
from apps.telemetry.queries.batched import Excerpt, telemetry_of
from apps.telemetry.retention import apply_retention
from tests.integration.archiving import DAY, NEXT, at, fill
from tests.integration.records import record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "no_history"),
]
THIRD = NEXT + timedelta(days=1)
GPU = "GPU-0001"

WINDOWS = [
    {},
    {"start": at(3)},
    {"end": at(4)},
    {"start": at(2), "end": at(5)},
    {"start": at(4), "end": at(2, NEXT)},
    {"start": at(-99999), "end": at(0) - timedelta.resolution},
    {"start": at(3), "end": at(3)},
    {"start": at(1, THIRD)},
]


@pytest.fixture
def three_days():
    """Two GPUs with eight samples on each of three days, with values that are awkward to print."""
    for day in (DAY, NEXT, THIRD):
        fill(2, 8, day)
    odd = [
        record(1, 0, timestamp=at(0.123457), power_draw=65.12345678901234, temperature=33.3333,
               energy_consumption_mj=9_007_199_254_740_993, extra={"ü": [1.0, None, "a\"b"]}),
        record(1, 0, timestamp=at(7.000001)),
    ]  # fmt: skip
    store("lab", odd)


def move_to_archive(*days):
    for day in days:
        archive_day(day)
    outcomes = apply_retention(margin=timedelta(0), is_complete=lambda day: day in days)
    assert sum(not outcome.kept for outcome in outcomes) == len(days)


def pages(limit, order, **window):
    """Every page there is, forth and then back."""
    found = []
    cursor: Cursor | None = None
    while True:
        page = gpu_telemetry_json(GPU, limit=limit, order=order, cursor=cursor, **window)
        found.append((page.results, page.count))
        if page.next is None:
            break
        cursor = page.next
    while page.previous is not None:
        cursor = page.previous
        page = gpu_telemetry_json(GPU, limit=limit, order=order, cursor=cursor, **window)
        found.append((page.results, page.count))
    return found


def answers():
    return [
        pages(limit, order, **window)
        for window in WINDOWS for limit in (5, 100) for order in Order
    ]  # fmt: skip


@pytest.mark.parametrize("days", [(DAY,), (DAY, NEXT, THIRD)], ids=len)
def test_every_page_of_a_gpu_is_the_same_before_and_after(three_days, days):
    before = answers()
    move_to_archive(*days)
    assert answers() == before
    bring_back(DAY)
    assert answers() == before


def excerpts():
    return [
        Excerpt(**window, limit=limit, order=order, after=after)
        for window in WINDOWS for limit in (9, 100) for order in Order
        for after in (None, at(3))
    ]  # fmt: skip


def test_telemetry_of_many_gpus_is_the_same_before_and_after(three_days):
    uuids = ["GPU-0000", GPU, "GPU-none"]
    before = [telemetry_of(uuids, excerpt) for excerpt in excerpts()]
    move_to_archive(DAY, NEXT)
    assert [telemetry_of(uuids, excerpt) for excerpt in excerpts()] == before
    chosen = telemetry_of(uuids, Excerpt(limit=3), columns=["power_draw"])
    assert list(chosen[GPU][0]) == ["timestamp", "power_draw"]


def test_late_data_show_at_once_and_join_what_is_archived(three_days):
    store("lab", [record(1, 0, timestamp=at(20), power_draw=1)])
    complete = [record(1, 0, timestamp=at(2), memory_temperature=70, extra={"job": 7})]
    move_to_archive(DAY)
    store("lab", complete)
    early = gpu_telemetry_json(GPU, end=at(99)).results
    bring_back(DAY)
    assert gpu_telemetry_json(GPU, end=at(99)).results == early
    assert '"memory_temperature":70' in early
    assert '"extra":{"job": 7, "pod": "p-1"}' in early


def test_the_api_answers_the_same_and_says_when_a_file_is_missing(
    three_days, client, settings, no_history
):
    settings.PUBLIC_READ = True
    path = f"/api/v1/gpus/{GPU}/telemetry"
    before = client.get(path, {"resolution": "raw"})
    assert before.status_code == 200
    move_to_archive(DAY)
    assert client.get(path, {"resolution": "raw"}).content == before.content
    (no_history / f"cluster=lab/date={DAY}/part-0.parquet").unlink()
    away = client.get(path, {"resolution": "raw"})
    assert away.status_code == 503
    assert "archive" in away.json()["detail"]
