"""Samples of many GPUs in one statement: the same as one by one."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.telemetry import queries
from apps.telemetry.ingest import store
from apps.telemetry.models import LatestSample, Sample
from apps.telemetry.queries import Order, UnknownColumn
from apps.telemetry.queries.batched import Excerpt, latest_of, telemetry_of
from tests.integration.records import START, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

UUIDS = ["GPU-0000", "GPU-0001"]


@pytest.fixture
def ten():
    """Two GPUs with samples at second 0 to 9, `power_draw` being the second."""
    store("lab", [record(gpu, second, power_draw=second) for second in range(10) for gpu in (0, 1)])


def all_of(uuids, **options):
    return telemetry_of(uuids, Excerpt(), **options)


def at(second):
    return START + timedelta(seconds=second)


def seconds(**options):
    return [row["power_draw"] for row in telemetry_of(UUIDS, Excerpt(**options))[UUIDS[0]]]


def test_a_sample_is_the_same_as_in_the_json_of_one_gpu(ten):
    store("lab", [record(0, 10, energy_consumption_mj=9_007_199_254_740_993, extra={"pod": "a"})])
    page = queries.gpu_telemetry_json(UUIDS[0])
    assert all_of(UUIDS)[UUIDS[0]] == json.loads(page.results)
    text = queries.latest_json(columns=["power_draw"]).results
    latest = latest_of(UUIDS, columns=["power_draw"])
    assert [json.loads(text)[1][name] for name in ("timestamp", "power_draw")] == list(
        latest[UUIDS[1]].values()
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, range(10)),
        ({"limit": 3}, [0, 1, 2]),
        ({"limit": 3, "order": Order.DESC}, [9, 8, 7]),
        ({"start": at(3), "end": at(5)}, [3, 4, 5]),
        ({"after": at(7)}, [8, 9]),
        ({"after": at(2), "order": Order.DESC}, [1, 0]),
        ({"start": at(2), "after": at(3), "end": at(5)}, [4, 5]),
        ({"start": at(5), "end": at(3)}, []),
    ],
)
def test_every_gpu_has_the_page_it_would_have_alone(ten, options, expected):
    assert seconds(**options) == list(expected)
    assert seconds(**options) == [
        row["power_draw"] for row in telemetry_of([UUIDS[1]], Excerpt(**options))[UUIDS[1]]
    ]


def test_many_gpus_take_one_statement(ten):
    for read in (latest_of, all_of):
        with CaptureQueriesContext(connection) as captured:
            assert set(read([*UUIDS, "GPU-none"])) == set(UUIDS)
        assert len(captured) == 1


def test_a_known_gpu_without_samples_has_an_empty_page_and_no_latest(ten):
    Sample.objects.all().delete()
    LatestSample.objects.all().delete()
    assert all_of(UUIDS) == {uuid: [] for uuid in UUIDS}
    assert latest_of(UUIDS) == {}


def test_gpus_of_other_clusters_are_unknown(ten):
    for read in (latest_of, all_of):
        assert set(read(UUIDS, clusters=["lab"])) == set(UUIDS)
        assert read(UUIDS, clusters=["annex"]) == {}
        assert read(UUIDS, clusters=[]) == {}


@pytest.mark.parametrize("name", ["gpu_id", "", "power_draw; DROP TABLE x", "*"])
def test_only_names_of_the_registry_reach_the_sql(ten, name):
    for read in (latest_of, all_of):
        with pytest.raises(UnknownColumn, match="is not a metric"):
            read(UUIDS, columns=["power_draw", name])
