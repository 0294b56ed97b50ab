"""A window is answered the same, whichever of it is rolled up, touched again or without samples."""

import json
import random
from datetime import timedelta

import pytest
from django.db import connection

from apps.telemetry import partitions, queries
from apps.telemetry.ingest import store
from apps.telemetry.models import SealedDay
from apps.telemetry.queries import Buckets, GpuChoice, buckets_json
from apps.telemetry.queries.segments import Edges
from apps.telemetry.rollups import roll_up
from tests.integration.records import START, record
from tests.integration.test_rollups import some_records

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

STEPS = [timedelta(minutes=1), timedelta(hours=1)]
SAMPLES_ALONE = Edges()
LATER = START + timedelta(days=2)


def at(second):
    return START + timedelta(seconds=second)


def answer(step, start=None, end=None, edges=None):
    buckets = Buckets(GpuChoice(), step, start, end, edges=edges)
    page = buckets_json(buckets, limit=10_000)
    return [nearly(row) for row in json.loads(page.results)]


def by_pages(step, start=None, end=None):
    buckets = Buckets(GpuChoice(), step, start, end)
    page, rows = buckets_json(buckets, limit=7), []
    while True:
        of_page = json.loads(page.results)
        assert len(of_page) <= 7
        rows += of_page
        if page.next is None:
            return [nearly(row) for row in rows]
        page = buckets_json(buckets, limit=7, cursor=page.next)


def nearly(row):
    """Averages and rates may differ in digits that are not kept."""
    if isinstance(row, dict):
        return {name: nearly(value) for name, value in row.items()}
    return pytest.approx(row, rel=1e-5) if isinstance(row, float | int) else row


def plain(row):
    if isinstance(row, dict):
        return {name: plain(value) for name, value in row.items()}
    return row.expected if hasattr(row, "expected") else row


def assert_seamless(step, start=None, end=None):
    wanted = answer(step, start, end, SAMPLES_ALONE)
    found = [plain(row) for row in answer(step, start, end)]
    assert found == wanted, (step, start, end)
    assert [plain(row) for row in by_pages(step, start, end)] == wanted, (step, start, end)
    return found


@pytest.fixture
def fleet():
    rng = random.Random(11)
    records = some_records(rng)
    store("lab", records)
    return rng


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("rolled_up_s", [0, 1800, 5000, 9000, 100_000])
def test_windows_across_samples_minutes_and_hours_are_seamless(fleet, step, rolled_up_s):
    roll_up(at(rolled_up_s))
    assert assert_seamless(step)
    for _ in range(6):
        start, end = sorted(fleet.uniform(-600, 3.2 * 3600) for _ in range(2))
        assert_seamless(step, at(start), at(end))
    assert_seamless(step, at(26), at(26 + 3600))  # on a minute
    hour = timedelta(minutes=17, seconds=26)  # 21:00
    assert_seamless(step, START + hour, START + hour + timedelta(hours=1))


@pytest.mark.parametrize("step", STEPS)
def test_late_data_are_seen_at_once(fleet, step):
    roll_up(LATER)
    store("lab", [record(2, 100.5, power_draw=50_000.0)])
    rows = assert_seamless(step)
    assert any(row["power_draw"] and row["power_draw"]["max"] == 50_000 for row in rows)
    roll_up(LATER)
    assert answer(step) == [nearly(row) for row in rows]


@pytest.mark.parametrize("step", STEPS)
def test_what_another_gpu_waits_for_does_not_hold_up_this_one(fleet, step):
    roll_up(LATER)
    store("lab", [record(2, 100.5, power_draw=1.0)])
    mine = Buckets(GpuChoice(uuid="GPU-0001"), step)
    assert all(segment.level for segment in queries.by_rollups(mine).segments[:-1])


def test_roll_ups_and_not_samples_are_read(fleet):
    roll_up(LATER)
    hours = queries.by_rollups(Buckets(GpuChoice(), STEPS[1]))
    assert queries.counted(hours, at_most=1000).row_count == len(answer(STEPS[1]))
    assert queries.counted(hours, at_most=3).row_count == 3


@pytest.mark.parametrize("step", STEPS)
def test_a_day_whose_samples_are_gone_is_answered_as_before(fleet, step):
    roll_up(LATER)
    before = [plain(row) for row in answer(step)]
    drop_samples()
    assert answer(step) == [nearly(row) for row in before]
    # Half of a bucket cannot be told any more: it is answered whole.
    cut = answer(step, at(1800.5), at(7000))
    whole = [plain(row)["timestamp"] for row in cut]
    assert whole
    assert cut == [nearly(row) for row in before if row["timestamp"] in whole] or step == STEPS[1]


def test_auto_never_answers_samples_that_are_gone(fleet):
    roll_up(LATER)
    before = queries.extent(GpuChoice(), start=None, end=None, at_most=10_000)
    drop_samples()
    after = queries.extent(GpuChoice(), start=None, end=None, at_most=10_000)
    assert after.samples == 10_000 > before.samples
    assert after.first_at is not None
    assert before.first_at is not None
    assert after.first_at <= before.first_at
    assert queries.resolution_for(after, 5000, 5000) is not queries.Resolution.RAW


def drop_samples():
    """What retention does: the partition goes, and its day is sealed."""
    for day in (START.date(), START.date() + timedelta(days=1)):
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {partitions.partition_name(day)}")
        SealedDay.objects.create(day=day)
    partitions.forget()
