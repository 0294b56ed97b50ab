"""The reads: inventory, pages of telemetry that neither skip nor repeat, and the latest samples."""

import json
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.telemetry import queries
from apps.telemetry.ingest import store
from apps.telemetry.metrics import METRIC_NAMES
from apps.telemetry.models import Gpu, LatestSample, Sample
from apps.telemetry.queries import Cursor, Order, UnknownColumn, UnknownGpu, gpu_telemetry_json
from apps.telemetry.queries.sample_json import COLUMNS, sample_fields
from tests.integration.records import START, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

UUID = "GPU-0000"


@pytest.fixture
def ten():
    """A GPU with samples at second 0 to 9, `power_draw` being the second, and another GPU."""
    store("lab", [record(gpu, second, power_draw=second) for second in range(10) for gpu in (0, 1)])


def seconds(page):
    return [row["power_draw"] for row in json.loads(page.results)]


def at(second):
    return START + timedelta(seconds=second)


def pages(order, limit, cursor=None, direction="next", **window):
    """Every page from `cursor` on, by following its `next` or `previous`."""
    found = []
    while True:
        page = gpu_telemetry_json(UUID, order=order, limit=limit, cursor=cursor, **window)
        found.append(seconds(page))
        cursor = getattr(page, direction)
        if cursor is None:
            return found


def test_a_row_has_its_time_then_the_columns_in_the_order_asked_for(ten):
    page = gpu_telemetry_json(UUID, limit=1, columns=["power_draw", "temperature", "extra"])
    assert page.results == (
        '[{"timestamp":"2025-07-18T20:42:34.000000Z",'
        '"power_draw":0,"temperature":null,"extra":null}]'
    )


def test_a_row_has_every_metric_and_extra_unless_asked_otherwise(ten):
    (row,) = json.loads(gpu_telemetry_json(UUID, limit=1).results)
    assert list(row) == ["timestamp", *METRIC_NAMES, "extra"]


def test_times_have_six_decimals_and_sort_as_text():
    store("lab", [record(second=0.5), record(second=0.000001), record(second=0)])
    rows = json.loads(gpu_telemetry_json(UUID, columns=[]).results)
    assert rows == [
        {"timestamp": "2025-07-18T20:42:34.000000Z"},
        {"timestamp": "2025-07-18T20:42:34.000001Z"},
        {"timestamp": "2025-07-18T20:42:34.500000Z"},
    ]


@pytest.mark.parametrize("timezone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_times_are_utc_whatever_the_session_thinks(ten, timezone):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, false)", [timezone])
    try:
        page = gpu_telemetry_json(UUID, limit=1, start=at(3))
        assert json.loads(page.results)[0]["timestamp"] == "2025-07-18T20:42:37.000000Z"
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, range(10)),
        (3, None, range(3, 10)),
        (None, 3, range(4)),
        (3, 5, range(3, 6)),
        (3, 3, [3]),
        (3.5, 3.9, []),
        (5, 3, []),
        (-100, -1, []),
        (100, 200, []),
        (-100, 200, range(10)),
    ],
)
def test_a_window_includes_both_its_ends_and_is_counted(ten, start, end, expected):
    window: dict[str, Any] = {
        "start": None if start is None else at(start),
        "end": None if end is None else at(end),
    }
    for order in Order:
        page = gpu_telemetry_json(UUID, order=order, **window)
        assert sorted(seconds(page)) == list(expected)
        assert page.count == len(expected)


@pytest.mark.parametrize("limit", [1, 3, 4, 5, 9, 10, 11])
def test_following_next_gives_every_sample_once_in_order(ten, limit):
    assert list(chain(*pages(Order.ASC, limit))) == list(range(10))
    assert list(chain(*pages(Order.DESC, limit))) == list(range(9, -1, -1))


@pytest.mark.parametrize("limit", [1, 3, 5, 10])
def test_following_previous_goes_back_over_the_same_samples(ten, limit):
    for order, before in ((Order.ASC, [0, 1, 2, 3, 4, 5]), (Order.DESC, [9, 8, 7])):
        found = pages(order, limit, cursor=Cursor(at(6), backwards=True), direction="previous")
        assert list(chain(*reversed(found))) == before


def test_next_and_previous_lead_to_each_other(ten):
    for order in Order:
        first = gpu_telemetry_json(UUID, order=order, limit=4)
        second = gpu_telemetry_json(UUID, order=order, limit=4, cursor=first.next)
        back = gpu_telemetry_json(UUID, order=order, limit=4, cursor=second.previous)
        assert back.results == first.results
        assert (first.previous, back.previous) == (None, None)
        assert back.next == first.next


def test_a_cursor_stays_within_the_window(ten):
    window = {"start": at(2), "end": at(6)}
    assert pages(Order.ASC, 2, **window) == [[2, 3], [4, 5], [6]]
    assert pages(Order.DESC, 2, **window) == [[6, 5], [4, 3], [2]]
    page = gpu_telemetry_json(UUID, limit=2, cursor=Cursor(at(3)), **window)
    assert (seconds(page), page.count) == ([4, 5], 5)


def test_samples_stored_meanwhile_neither_repeat_nor_hide_others(ten):
    first = gpu_telemetry_json(UUID, limit=4)
    store("lab", [record(0, -5, power_draw=-5), record(0, 3.5, power_draw=3.5)])
    second = gpu_telemetry_json(UUID, limit=4, cursor=first.next)
    assert seconds(first) + seconds(second) == [0, 1, 2, 3, 3.5, 4, 5, 6]
    assert second.count == 12


def test_pages_run_across_days():
    times = [datetime(2025, 7, day, 12, tzinfo=UTC) for day in (18, 19, 21)]
    store("lab", [record(timestamp=time, power_draw=n) for n, time in enumerate(times)])
    assert pages(Order.ASC, 1) == [[0], [1], [2]]
    assert pages(Order.DESC, 2) == [[2, 1], [0]]
    assert gpu_telemetry_json(UUID, start=times[1]).count == 2


def test_a_known_gpu_without_samples_has_an_empty_page(ten):
    Sample.objects.all().delete()
    LatestSample.objects.all().delete()
    assert gpu_telemetry_json(UUID) == queries.Page("[]", 0, None, None)


@pytest.mark.parametrize("uuid", ["", "GPU-9999", "gpu-0000", "GPU-000", "' OR 1=1 --"])
def test_an_unknown_gpu_is_said_to_be_unknown(ten, uuid):
    with pytest.raises(UnknownGpu):
        gpu_telemetry_json(uuid)


@pytest.mark.parametrize("name", ["gpu_id", "pk", "", "power_draw; DROP TABLE x", 'a"b', "*"])
def test_only_names_of_the_registry_reach_the_sql(ten, name):
    with pytest.raises(UnknownColumn, match="is not a metric"):
        gpu_telemetry_json(UUID, columns=["power_draw", name])
    with pytest.raises(UnknownColumn):
        queries.latest_json(columns=[name])


def test_a_page_is_one_statement_however_it_is_asked_for(ten):
    for limit, window in ((1, {}), (5, {"start": at(1)}), (9, {"cursor": Cursor(at(2))})):
        with CaptureQueriesContext(connection) as captured:
            gpu_telemetry_json(UUID, limit=limit, **window)
        assert len(captured) == 1


def test_the_latest_samples_come_with_where_and_what_the_gpu_is(ten):
    store("annex", [record(8, 3, power_draw=1, extra={"pod": "a"})])
    latest = queries.latest_json(columns=["power_draw", "extra"])
    text = latest.results
    assert latest.count == 3
    assert json.loads(text)[0] == {
        "uuid": "GPU-0008",
        "cluster": "annex",
        "hostname": "host-1",
        "gpu_id": 0,
        "device": "nvidia0",
        "model_name": "NVIDIA H100 80GB HBM3",
        "state": "lost",
        "timestamp": "2025-07-18T20:42:37.000000Z",
        "power_draw": 1,
        "extra": {"pod": "a"},
    }
    assert [row["power_draw"] for row in json.loads(text)] == [1, 9, 9]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"cluster": "lab"}, ["GPU-0000", "GPU-0001"]),
        ({"hostname": "host-1"}, ["GPU-0008"]),
        ({"cluster": "lab", "hostname": "host-1"}, []),
        ({"cluster": "nowhere"}, []),
    ],
)
def test_the_latest_samples_can_be_of_one_cluster_or_host(ten, filters, expected):
    store("annex", [record(8, 3)])
    latest = queries.latest_json(queries.GpuChoice(**filters))
    assert [row["uuid"] for row in json.loads(latest.results)] == expected
    assert latest.count == len(expected)


def test_no_samples_are_an_empty_list():
    assert queries.latest_json() == queries.Latest("[]", 0, None)


def test_inventory_lists_say_how_many_and_when_last_seen(ten):
    store("annex", [record(8, 30), record(9, 20), record(16, 5)])
    Gpu.objects.create(
        uuid="silent", host=Gpu.objects.get(uuid=UUID).host, gpu_index=7, described_at=START
    )
    of_cluster = attrgetter("slug", "host_count", "gpu_count", "last_seen_at")
    clusters = [of_cluster(cluster) for cluster in queries.clusters()]
    assert clusters == [("annex", 2, 3, at(30)), ("lab", 1, 3, at(9))]
    of_host = attrgetter("hostname", "gpu_count", "last_seen_at")
    hosts = [of_host(host) for host in queries.hosts()]
    assert hosts == [("host-1", 2, at(30)), ("host-2", 1, at(5)), ("host-0", 3, at(9))]
    gpus = [attrgetter("uuid", "last_seen_at")(gpu) for gpu in queries.gpus()]
    assert gpus[-3:] == [(UUID, at(9)), ("GPU-0001", at(9)), ("silent", None)]


def test_inventory_lists_take_one_statement_each(ten):
    store("annex", [record(gpu, 1) for gpu in range(8, 40)])
    with CaptureQueriesContext(connection) as captured:
        for gpu in queries.gpus():
            assert gpu.host.cluster.slug
        for host in queries.hosts():
            assert host.cluster.slug
        list(queries.clusters())
    assert len(captured) == 3


def test_a_sample_is_written_as_postgresql_writes_a_row(ten):
    """Whatever is reported of it: the columns are put together by the product's own SQL."""
    hostile = {"a": '},\n{"timestamp":"', "b\n": [None, True, 1.5]}
    some: list[dict[str, Any]] = [
        {"power_draw": 1.5, "xid_error": 79},
        {"temperature": 3, "ecc_dbe_aggregate_total": 9},
        {"extra": hostile},
        dict.fromkeys(METRIC_NAMES, 1),
    ]
    store("lab", [record(5, second, **values) for second, values in enumerate(some)])
    text = gpu_telemetry_json("GPU-0005").results
    fields = sample_fields("s", COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT row_to_json(f)::text FROM telemetry_sample s JOIN telemetry_gpu gpu"
            f" ON gpu.id = s.gpu_id AND gpu.uuid = 'GPU-0005', LATERAL (SELECT {fields}) f"
            f" ORDER BY s.timestamp"
        )
        rows = ",\n".join(row for (row,) in cursor.fetchall())
    assert text == f"[{rows}]"
    assert json.loads(text)[2]["extra"] == hostile
