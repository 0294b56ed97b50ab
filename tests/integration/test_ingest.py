"""Storing records: one row per GPU and instant, whatever arrives how often and in which order."""

import json
from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection

from apps.telemetry.ingest import CHANNEL, Stored, store
from apps.telemetry.metrics import METRIC_NAMES, METRICS, Storage
from apps.telemetry.models import Gpu, LatestSample, Sample
from apps.telemetry.queries import gpu_telemetry_json
from tests.integration.records import START, record, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

# Exact in their column: six digits in a `real`, everything in the wider types.
AWKWARD = {Storage.REAL: 33.3333, Storage.DOUBLE: 65.12345678901234}


def latest(gpu=0):
    return LatestSample.objects.get(gpu__uuid=f"GPU-{gpu:04d}")


def rest_rows(gpu=0):
    return json.loads(gpu_telemetry_json(f"GPU-{gpu:04d}").results)


def test_a_batch_is_stored_and_registered():
    batch = [record(gpu, second, gpu_utilization=gpu) for second in range(3) for gpu in range(10)]
    assert store("lab", batch) == Stored(records=30, merged=0, registered=10)
    assert Sample.objects.count() == 30
    assert [sample.gpu_utilization for sample in stored(7)] == [7, 7, 7]
    gpu = Gpu.objects.select_related("host__cluster").get(uuid="GPU-0009")
    assert (gpu.host.cluster.slug, gpu.host.hostname, gpu.gpu_index) == ("lab", "host-1", 1)
    assert (gpu.device, gpu.model_name) == ("nvidia1", "NVIDIA H100 80GB HBM3")


def test_nothing_to_store_is_no_error():
    assert store("lab", []) == Stored(0, 0, 0)


@pytest.mark.parametrize("metric", METRICS, ids=METRIC_NAMES)
def test_each_metric_comes_back_exactly(metric):
    awkward = AWKWARD.get(metric.storage, metric.maximum)
    values = [metric.minimum, metric.maximum, awkward]
    store("lab", [record(0, second, **{metric.name: v}) for second, v in enumerate(values)])
    assert [row[metric.name] for row in rest_rows()] == values
    assert [getattr(sample, metric.name) for sample in stored()] == pytest.approx(values)
    assert getattr(latest(), metric.name) == pytest.approx(values[-1])


def test_all_extremes_fit_into_one_record():
    for number, bound in enumerate(("minimum", "maximum")):
        values = {metric.name: getattr(metric, bound) for metric in METRICS}
        store("lab", [record(0, number, **values)])
        assert rest_rows()[number] == values | {
            "timestamp": f"2025-07-18T20:42:{34 + number}.000000Z",
            "extra": None,
        }


@pytest.mark.parametrize("tiny", [1e-46, 1e-300, 5e-324, -0.0])
def test_a_number_too_small_for_its_column_is_zero(tiny):
    store("lab", [record(temperature=tiny, gpu_utilization=abs(tiny))])
    assert (stored()[0].temperature, stored()[0].gpu_utilization) == (0, 0)


def test_a_time_keeps_its_microseconds():
    store("lab", [record(second=0.000001), record(second=0.999999)])
    times = [sample.timestamp - START for sample in stored()]
    assert times == [timedelta(microseconds=1), timedelta(microseconds=999_999)]


def test_extra_is_kept_as_it_is():
    extra = {
        "DCGM_FI_PROF_SM_ACTIVE": 0.25,
        "pod": 'a "quoted" \\ ü \U0001f525',
        "big": 2**64,
        "list": [1, None, {"a": False}],
    }
    store("lab", [record(extra=extra)])
    assert stored()[0].extra == latest().extra == rest_rows()[0]["extra"] == extra


def test_a_batch_stored_twice_changes_nothing():
    batch = [record(gpu, second, power_draw=gpu) for second in range(5) for gpu in range(9)]
    store("lab", batch)
    before = list(Sample.objects.order_by("gpu_id", "timestamp").values())
    assert store("lab", batch) == Stored(records=45, merged=45, registered=0)
    assert list(Sample.objects.order_by("gpu_id", "timestamp").values()) == before
    assert latest(8).sample_count == 5


def test_a_batch_that_overlaps_adds_what_is_new():
    store("lab", [record(0, second, power_draw=second) for second in range(3)])
    result = store("lab", [record(0, second, power_draw=second) for second in range(2, 6)])
    assert result == Stored(records=4, merged=1, registered=0)
    assert [sample.power_draw for sample in stored()] == [0, 1, 2, 3, 4, 5]
    assert latest().sample_count == 6


def test_partial_records_of_one_instant_become_one_sample():
    store("lab", [record(gpu_utilization=50, temperature=40)])
    store("lab", [record(power_draw=300.5, temperature=41)])
    (sample,) = stored()
    assert (sample.gpu_utilization, sample.power_draw, sample.temperature) == (50, 300.5, 41)
    assert (latest().gpu_utilization, latest().power_draw) == (50, 300.5)
    assert latest().sample_count == 1


def test_partial_records_within_a_batch_become_one_sample():
    batch = [
        record(gpu_utilization=50, extra={"a": 1, "b": 1}),
        record(1, gpu_utilization=10),
        record(power_draw=300.5, extra={"b": 2}),
        record(gpu_utilization=51),
    ]
    assert store("lab", batch) == Stored(records=4, merged=2, registered=2)
    (sample,) = stored()
    assert (sample.gpu_utilization, sample.power_draw) == (51, 300.5)
    assert sample.extra == latest().extra == {"a": 1, "b": 2}
    assert latest().sample_count == 1


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, None, {"a": 1}),
        (None, {"b": 2}, {"b": 2}),
        (None, None, None),
    ],
)
def test_the_extra_of_partial_records_merges(first, second, expected):
    store("lab", [record(extra=first)])
    store("lab", [record(extra=second, power_draw=1)])
    assert stored()[0].extra == latest().extra == expected


def test_the_latest_sample_is_the_newest_not_the_last_to_arrive():
    store("lab", [record(0, 10, power_draw=10)])
    store("lab", [record(0, 5, power_draw=5, temperature=5)])
    assert (latest().timestamp, latest().power_draw) == (START + timedelta(seconds=10), 10)
    assert latest().temperature is None
    assert latest().sample_count == 2
    store("lab", [record(0, 20, temperature=20), record(0, 15, power_draw=15)])
    assert (latest().temperature, latest().power_draw) == (20, None)


def test_the_count_of_the_latest_sample_is_the_number_of_samples():
    store("lab", [record(gpu, second) for gpu in range(3) for second in range(4)])
    store("lab", [record(gpu, second) for gpu in range(2) for second in range(2, 8)])
    store("lab", [record(0, -1), record(0, -1), record(0, 3)])
    for gpu in range(3):
        assert latest(gpu).sample_count == len(stored(gpu))
    assert [len(stored(gpu)) for gpu in range(3)] == [9, 8, 4]


def test_listeners_are_told_at_commit():
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        store("lab", [record(0, 1), record(1, 2)])
        (notice,) = listener.notifies(timeout=10, stop_after=1)
    assert json.loads(notice.payload) == {
        "cluster": "lab",
        "timestamp": "2025-07-18T20:42:36Z",
        "records": 2,
    }


def test_a_refused_batch_leaves_nothing_behind():
    store("lab", [record(power_draw=1)])
    batch = [record(0, 1, power_draw=2), record(0, 2, extra={"a": "\0"})]
    with pytest.raises(Exception, match="Unicode"):
        store("lab", batch)
    assert len(stored()) == latest().sample_count == 1
    store("lab", batch[:1])
    assert len(stored()) == latest().sample_count == 2


def test_a_lost_connection_is_an_operational_error_and_the_batch_can_be_stored_again():
    store("lab", [record()])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    with pytest.raises(OperationalError):
        store("lab", [record(0, 1)])
    close_old_connections()
    store("lab", [record(0, 1)])
    assert len(stored()) == latest().sample_count == 2
