"""Telemetry over GraphQL: samples, coarser resolutions and summaries, as REST has them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.telemetry.metrics import METRIC_NAMES
from tests.fleet_rows import make_gpu, make_samples

pytestmark = pytest.mark.django_db

UUID = "GPU-host-1-0"


def numbers(found):
    return [row["power_draw"] for row in found["gpu"]["telemetry"]]


def test_a_sample_is_the_one_of_rest(data, get, five):
    fields = " ".join(["timestamp", *METRIC_NAMES, "extra"])
    found = data(f'{{ gpu(uuid: "{UUID}") {{ telemetry {{ {fields} }} latest {{ {fields} }} }} }}')
    expected = get(f"/api/v1/gpus/{UUID}/telemetry")["results"]
    assert found["gpu"]["telemetry"] == expected
    assert found["gpu"]["latest"] == expected[-1]


def test_counters_keep_all_their_digits(data):
    make_samples(make_gpu(), 1, energy_consumption_mj=9_007_199_254_740_993)
    gpu = data(
        f'{{ gpu(uuid: "{UUID}") {{ latest {{ energy_consumption_mj }}'
        " summary(metrics: [energy_consumption_mj]) { max last } } }"
    )["gpu"]
    assert gpu["latest"]["energy_consumption_mj"] == 9_007_199_254_740_993
    assert gpu["summary"] == [{"max": 9_007_199_254_740_993, "last": 9_007_199_254_740_993}]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("order: asc", [0, 1, 2, 3, 4]),
        ("order: desc, limit: 2", [4, 3]),
        ("limit: 10000", [0, 1, 2, 3, 4]),
        ("limit: null, start: null, order: null", [0, 1, 2, 3, 4]),
        ('start: "2025-07-18T20:42:36Z"', [2, 3, 4]),
        ('end: "2025-07-18T20:42:36Z"', [0, 1, 2]),
        ('start: "2025-07-18T20:42:35Z", end: "2025-07-18T20:42:37Z"', [1, 2, 3]),
        ('start: "1752871355", end: "1752871355"', [1]),
        ('start: "2025-07-18T22:42:37+02:00"', [3, 4]),
        ('start: "2025-07-18", end: "2025-07-18"', [0, 1, 2, 3, 4]),
        ('start: "2025-07-19"', []),
        ('start: "now-5m"', []),
    ],
)
def test_telemetry_is_filtered_as_in_rest(data, five, arguments, expected):
    found = data(f'{{ gpu(uuid: "{UUID}") {{ telemetry({arguments}) {{ power_draw }} }} }}')
    assert numbers(found) == expected


def test_a_window_relative_to_now_is_one_of_now_each_time(data):
    make_samples(make_gpu(), 3, timezone.now() - timedelta(minutes=2))
    for _ in range(2):
        query = f'{{ gpu(uuid: "{UUID}") {{ telemetry(start: "now-5m") {{ power_draw }} }} }}'
        assert len(numbers(data(query))) == 3


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_telemetry_goes_on_after_the_cursor_of_a_sample(data, five, order):
    query = """query ($after: Place, $order: Order) {
        gpu(uuid: "GPU-host-1-0") {
          telemetry(limit: 2, order: $order, after: $after) { power_draw cursor } } }"""
    found, after = [], None
    while page := data(query, after=after, order=order)["gpu"]["telemetry"]:
        found += [row["power_draw"] for row in page]
        after = page[-1]["cursor"]
    assert found == ([0, 1, 2, 3, 4] if order == "asc" else [4, 3, 2, 1, 0])


@pytest.mark.parametrize(
    ("resolution", "limit", "expected"),
    [
        ("raw", 200, [(number, 1) for number in range(150)]),
        ("1m", 10, [(12.5, 26), (55.5, 60), (115.5, 60), (147.5, 4)]),
        ("1m", 2, [(12.5, 26), (55.5, 60)]),
        ("1h", 10, [(74.5, 150)]),
        ("auto", 10, [(12.5, 26), (55.5, 60), (115.5, 60), (147.5, 4)]),
    ],
)
def test_a_coarser_resolution_has_the_mean_of_a_gauge(data, resolution, limit, expected):
    make_samples(make_gpu(), 150)
    make_samples(make_gpu("host-1", 1), 1)
    found = data(
        "query ($resolution: ResolutionName) { gpus { nodes {"
        f" telemetry(resolution: $resolution, limit: {limit}) {{ power_draw count }} }} }} }}",
        resolution=resolution,
    )["gpus"]["nodes"]
    assert [(row["power_draw"], row["count"]) for row in found[0]["telemetry"]] == expected
    assert found[1]["telemetry"] == [{"power_draw": 0, "count": 1}]


def test_pages_of_a_coarser_resolution_follow_each_other(data):
    make_samples(make_gpu(), 150, energy_consumption_mj=7)
    query = """query ($after: Place) { gpu(uuid: "GPU-host-1-0") { telemetry(
        resolution: "1m", order: desc, limit: 3, after: $after) {
        timestamp energy_consumption_mj count cursor } } }"""
    first = data(query)["gpu"]["telemetry"]
    rest = data(query, after=first[-1]["cursor"])["gpu"]["telemetry"]
    assert [row["count"] for row in first + rest] == [4, 60, 60, 26]
    assert rest[0]["timestamp"] == "2025-07-18T20:42:00.000000Z"
    assert rest[0]["energy_consumption_mj"] == 7


def test_values_list_the_metrics_chosen_beside_the_fields_selected(data, five):
    found = data(
        "query ($metrics: [MetricName!]) {"
        f' gpu(uuid: "{UUID}") {{ telemetry(limit: 1, metrics: $metrics)'
        " { power_draw values { metric value unit } } } }",
        metrics=["temperature"],
    )
    assert found["gpu"]["telemetry"] == [
        {"power_draw": 0, "values": [{"metric": "temperature", "value": 40, "unit": "°C"}]}
    ]
    found = data(f'{{ gpu(uuid: "{UUID}") {{ latest {{ values {{ metric }} }} }} }}')
    assert [value["metric"] for value in found["gpu"]["latest"]["values"]] == list(METRIC_NAMES)


def test_a_summary_has_every_statistic_with_its_unit(data, five):
    found = data(
        f'{{ gpu(uuid: "{UUID}") {{ summary(start: "2025-07-18T20:42:35Z", metrics: [power_draw])'
        " { metric unit min avg max p50 p95 p99 last count } } }"
    )
    assert found["gpu"]["summary"] == [
        {
            "metric": "power_draw", "unit": "W", "min": 1, "avg": 2.5, "max": 4, "p50": 2.5,
            "p95": pytest.approx(3.85), "p99": pytest.approx(3.97), "last": 4, "count": 4,
        }
    ]  # fmt: skip


def test_a_summary_has_every_metric_unless_some_are_chosen(data, five):
    found = data(f'{{ gpu(uuid: "{UUID}") {{ summary {{ metric count }} }} }}')["gpu"]["summary"]
    assert [row["metric"] for row in found] == list(METRIC_NAMES)
    assert found[0]["count"] == 0


def test_a_known_gpu_without_samples_has_nothing_to_tell(data):
    make_gpu()
    found = data(
        f'{{ gpu(uuid: "{UUID}") {{ last_seen_at latest {{ timestamp }} telemetry {{ timestamp }}'
        " summary(metrics: [power_draw]) { last count } } }"
    )
    assert found["gpu"] == {
        "last_seen_at": None,
        "latest": None,
        "telemetry": [],
        "summary": [{"last": None, "count": 0}],
    }
