"""What telemetry amounts to per minute and hour: true to the samples, whatever the page."""

import json
from datetime import timedelta

import pytest

from apps.telemetry import queries
from apps.telemetry.ingest import store
from apps.telemetry.queries import Buckets, GpuChoice, Order, buckets_json
from apps.telemetry.rollups import roll_up
from tests.integration.records import START, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

ONE = GpuChoice(uuid="GPU-0000")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def at(second):
    return START + timedelta(seconds=second)


def rows(buckets, **options):
    return json.loads(buckets_json(buckets, **options).results)


def of(metric, *, step=MINUTE, **window):
    buckets = Buckets(ONE, step, columns=[metric], with_place=False, **window)
    return [(row["count"], row[metric]) for row in rows(buckets)]


@pytest.fixture
def hour():
    """A sample each ten seconds for ten minutes; START is 34 seconds into its minute."""
    store(
        "lab",
        [
            record(0, second, power_draw=second, energy_consumption_mj=second * 1000, xid_error=0)
            for second in range(0, 600, 10)
        ],
    )


def test_a_bucket_starts_at_its_minute_and_counts_its_samples(hour):
    first, second, *_ = rows(Buckets(ONE, MINUTE, columns=["power_draw"], with_place=False))
    assert first == {
        "timestamp": "2025-07-18T20:42:00.000000Z",
        "count": 3,
        "power_draw": {"min": 0, "avg": 10, "max": 20, "last": 20},
    }
    assert second["timestamp"] == "2025-07-18T20:43:00.000000Z"
    assert second["power_draw"] == {"min": 30, "avg": 55, "max": 80, "last": 80}


def test_an_hour_holds_what_its_minutes_hold(hour):
    assert of("power_draw", step=HOUR) == [(60, {"min": 0, "avg": 295, "max": 590, "last": 590})]


def test_a_counter_says_what_it_grew_by_and_how_fast(hour):
    counts = of("energy_consumption_mj")
    assert counts[0] == (3, {"last": 20_000, "delta": 20_000, "rate": 1000})
    assert counts[1] == (6, {"last": 80_000, "delta": 60_000, "rate": 1000})
    assert sum(counter["delta"] for _, counter in counts) == 590_000


def test_a_window_that_begins_later_counts_from_the_sample_before_it(hour):
    (bucket,) = of("energy_consumption_mj", start=at(30), end=at(85))
    assert bucket == (6, {"last": 80_000, "delta": 60_000, "rate": 1000})


def test_a_counter_that_was_reset_counts_from_zero():
    values = [5000, 6000, 100, 300]
    store("lab", [record(0, n, energy_consumption_mj=value) for n, value in enumerate(values)])
    ((count, counter),) = of("energy_consumption_mj")
    assert (count, counter["last"], counter["delta"]) == (4, 300, 1000 + 100 + 200)
    assert counter["rate"] == pytest.approx(1300 / 3)


def test_samples_without_the_counter_do_not_break_its_increments():
    store("lab", [record(0, n, energy_consumption_mj=n * 10) for n in (0, 2, 4)])
    store("lab", [record(0, n, power_draw=1) for n in (1, 3)])
    assert of("energy_consumption_mj") == [(5, {"last": 40, "delta": 40, "rate": 10})]


def test_a_counter_seen_once_has_no_increment():
    store("lab", [record(0, 0, energy_consumption_mj=7)])
    assert of("energy_consumption_mj") == [(1, {"last": 7, "delta": None, "rate": None})]


def test_counters_keep_all_their_digits():
    store("lab", [record(0, 0, energy_consumption_mj=9_007_199_254_740_993)])
    assert of("energy_consumption_mj")[0][1]["last"] == 9_007_199_254_740_993


def test_codes_flags_and_masks_are_never_averaged():
    for second, (xid, mask, flag) in enumerate([(0, 1, 0), (79, 4, 1), (0, 8, 0)]):
        values = {"xid_error": xid, "clock_event_reasons": mask, "row_remap_failed": flag}
        store("lab", [record(0, second, **values)])
    assert of("xid_error") == [(3, {"max": 79, "last": 0})]
    assert of("clock_event_reasons") == [(3, {"any": 13, "last": 8})]
    assert of("row_remap_failed") == [(3, {"max": 1, "last": 0})]


def test_a_metric_that_no_sample_had_is_null(hour):
    assert {metric for _, metric in of("temperature")} == {None}


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("limit", [1, 3, 4, 100])
def test_following_next_gives_every_bucket_once(hour, order, limit):
    store("lab", [record(1, second, power_draw=second) for second in range(0, 600, 60)])
    buckets = Buckets(GpuChoice(), MINUTE, columns=["power_draw"])
    everything = rows(buckets, limit=1000)
    assert everything == sorted(everything, key=lambda row: (row["timestamp"], row["uuid"]))
    seen, page = [], buckets_json(buckets, limit=limit, order=order)
    while True:
        seen += json.loads(page.results)
        assert page.count == len(everything)
        if page.next is None:
            break
        page = buckets_json(buckets, limit=limit, order=order, cursor=page.next)
    assert seen == (everything if order is Order.ASC else everything[::-1])
    if page.previous:
        back = buckets_json(buckets, limit=limit, order=order, cursor=page.previous)
        assert back.next is not None


def test_the_extent_of_a_window_is_counted_no_further_than_asked(hour):
    found = queries.extent(ONE, start=at(100), end=at(200), at_most=1000)
    assert (found.gpus, found.samples) == (1, 11)
    assert (found.first_at, found.last_at) == (at(100), at(200))
    assert queries.extent(ONE, start=None, end=None, at_most=7).samples == 7


@pytest.mark.parametrize("rolled_up", [False, True])
@pytest.mark.parametrize("order", list(Order))
def test_a_counter_grows_the_same_on_every_page(hour, rolled_up, order):
    if rolled_up:
        roll_up(at(100_000))
    for step in (MINUTE, HOUR):
        buckets = Buckets(ONE, step, columns=["energy_consumption_mj"], start=at(20), end=at(595))
        everything = rows(buckets, limit=1000, order=order)
        seen, page = [], buckets_json(buckets, limit=2, order=order)
        seen += json.loads(page.results)
        while page.next:
            page = buckets_json(buckets, limit=2, order=order, cursor=page.next)
            seen += json.loads(page.results)
        assert seen == everything
        assert sum(row["energy_consumption_mj"]["delta"] for row in seen) == 580_000
