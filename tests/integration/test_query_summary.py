"""Summaries of metrics over a window, for many GPUs in one statement."""

from datetime import timedelta
from statistics import mean

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.telemetry.ingest import store
from apps.telemetry.metrics import METRIC_NAMES
from apps.telemetry.queries.sample_json import UnknownColumn
from apps.telemetry.queries.summary import STATISTICS, summaries
from tests.integration.records import START, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

UUID, OTHER = "GPU-0000", "GPU-0001"


def at(second):
    return START + timedelta(seconds=second)


@pytest.fixture
def hundred():
    """A GPU whose `power_draw` was 0 to 100, one a second, and one that drew 7 once."""
    store("lab", [record(0, second, power_draw=second) for second in range(101)])
    store("lab", [record(1, 5, power_draw=7)])


def power(uuid=UUID, **options):
    return summaries([uuid], metrics=["power_draw"], **options)[uuid]["power_draw"]


def test_a_summary_has_every_statistic_of_the_window(hundred):
    assert power() == {
        "min": 0, "avg": 50, "max": 100, "p50": 50, "p95": 95, "p99": 99, "last": 100,
        "count": 101,
    }  # fmt: skip
    assert tuple(power()) == STATISTICS


@pytest.mark.parametrize(
    ("start", "end", "low", "high"),
    [(None, 10, 0, 10), (90, None, 90, 100), (3, 5, 3, 5), (3, 3, 3, 3), (-9, 900, 0, 100)],
)
def test_a_window_includes_both_its_ends(hundred, start, end, low, high):
    found = power(start=None if start is None else at(start), end=None if end is None else at(end))
    assert (found["min"], found["max"], found["last"]) == (low, high, high)
    assert (found["count"], found["avg"]) == (high - low + 1, mean((low, high)))


def test_a_window_without_samples_counts_none(hundred):
    nothing = dict.fromkeys(STATISTICS, None) | {"count": 0}
    assert power(start=at(3.5), end=at(3.9)) == nothing
    assert power(start=at(5), end=at(3)) == nothing


def test_samples_without_the_metric_are_not_counted_and_never_last():
    store("lab", [record(0, 0, power_draw=4), record(0, 1, power_draw=8), record(0, 2)])
    found = summaries([UUID], metrics=["power_draw", "temperature"])[UUID]
    assert found["power_draw"]["count"] == 2
    assert (found["power_draw"]["avg"], found["power_draw"]["last"]) == (6, 8)
    assert found["temperature"] == dict.fromkeys(STATISTICS, None) | {"count": 0}


def test_each_metric_has_the_last_value_of_its_own():
    store("lab", [record(0, 0, power_draw=4, temperature=50), record(0, 1, temperature=60)])
    store("lab", [record(0, 2, gpu_utilization=7)])
    found = summaries([UUID])[UUID]
    lasts = {name: found[name]["last"] for name in ("power_draw", "temperature", "gpu_utilization")}
    assert lasts == {"power_draw": 4, "temperature": 60, "gpu_utilization": 7}


def test_counters_and_codes_have_neither_mean_nor_percentiles_and_keep_their_digits():
    big = 9_007_199_254_740_993
    store("lab", [record(0, n, energy_consumption_mj=big + n, xid_error=31) for n in range(3)])
    found = summaries([UUID])[UUID]
    assert found["energy_consumption_mj"] == {
        "min": big, "avg": None, "max": big + 2, "p50": None, "p95": None, "p99": None,
        "last": big + 2, "count": 3,
    }  # fmt: skip
    assert (found["xid_error"]["avg"], found["xid_error"]["last"]) == (None, 31)


def test_a_mean_shows_no_more_digits_than_its_column_keeps():
    store("lab", [record(0, n, temperature=0.1) for n in range(3)])
    found = summaries([UUID], metrics=["temperature"])[UUID]["temperature"]
    assert (found["avg"], found["p50"], found["last"]) == (0.1, 0.1, 0.1)


def test_many_gpus_take_one_statement_and_are_kept_apart(hundred):
    with CaptureQueriesContext(connection) as captured:
        found = summaries([UUID, OTHER, "GPU-none"])
    assert len(captured) == 1
    assert set(found) == {UUID, OTHER}
    assert list(found[UUID]) == list(METRIC_NAMES)
    assert (found[UUID]["power_draw"]["count"], found[OTHER]["power_draw"]["last"]) == (101, 7)


def test_a_known_gpu_that_never_reported_in_the_window_is_there(hundred):
    found = summaries([UUID, OTHER], start=at(50), metrics=["power_draw"])
    assert found[OTHER]["power_draw"]["count"] == 0


def test_gpus_of_other_clusters_are_unknown(hundred):
    assert set(summaries([UUID], clusters=["lab"])) == {UUID}
    assert summaries([UUID], clusters=["annex"]) == {}
    assert summaries([UUID], clusters=[]) == {}


def test_nothing_asked_for_is_nothing(hundred):
    assert summaries([]) == {}
    assert summaries([UUID], metrics=[]) == {}


@pytest.mark.parametrize("name", ["gpu_id", "extra", "", "power_draw; DROP TABLE x", 'a"b', "*"])
def test_only_metrics_of_the_registry_reach_the_sql(hundred, name):
    with pytest.raises(UnknownColumn, match="is not a metric"):
        summaries([UUID], metrics=["power_draw", name])


def test_a_summary_runs_across_days():
    store("lab", [record(0, day * 86_400, power_draw=day) for day in range(3)])
    assert power()["count"] == 3
    assert power(start=at(86_400))["min"] == 1
