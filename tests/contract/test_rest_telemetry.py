"""GET /api/v1/gpus/{uuid}/telemetry."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.gateway.rest.schemas import SampleSerializer
from apps.telemetry.metrics import METRIC_NAMES
from tests.fleet_rows import START, make_gpu, make_samples

PATH = "/api/v1/gpus/GPU-host-1-0/telemetry"


def numbers(page):
    return [int(row["power_draw"]) for row in page["results"]]


def test_a_known_gpu_without_samples_answers_an_empty_list(get):
    make_gpu()
    assert get(PATH) == {"count": 0, "next": None, "previous": None, "results": []}


def test_a_sample_has_its_time_every_metric_and_what_has_no_column(get):
    make_samples(
        make_gpu(), 1, gpu_utilization=97, power_draw=156.596, extra={"DCGM_FI_DEV_FAN_SPEED": 40}
    )
    (row,) = get(PATH)["results"]
    assert list(row) == ["timestamp", *METRIC_NAMES, "extra"] == list(SampleSerializer().fields)
    assert row["timestamp"] == "2025-07-18T20:42:34.000000Z"
    assert (row["gpu_utilization"], row["power_draw"]) == (97, 156.596)
    assert row["temperature"] is None
    assert row["extra"] == {"DCGM_FI_DEV_FAN_SPEED": 40}


def test_counters_keep_all_their_digits(get):
    make_samples(make_gpu(), 1, energy_consumption_mj=9_007_199_254_740_993)
    assert get(PATH)["results"][0]["energy_consumption_mj"] == 9_007_199_254_740_993


def test_samples_come_oldest_first_unless_asked_otherwise(get, five):
    assert numbers(get(PATH)) == [0, 1, 2, 3, 4]
    assert numbers(get(PATH, order="asc")) == [0, 1, 2, 3, 4]
    assert numbers(get(PATH, order="desc")) == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"start_time": "2025-07-18T20:42:36Z"}, [2, 3, 4]),
        ({"end_time": "2025-07-18T20:42:36Z"}, [0, 1, 2]),
        ({"start_time": "2025-07-18T20:42:35Z", "end_time": "2025-07-18T20:42:37Z"}, [1, 2, 3]),
        ({"start_time": "1752871355", "end_time": "1752871355"}, [1]),
        ({"start_time": "2025-07-18T22:42:37+02:00"}, [3, 4]),
        ({"start_time": "2025-07-18", "end_time": "2025-07-18"}, [0, 1, 2, 3, 4]),
        ({"start_time": "2025-07-19"}, []),
        ({"end_time": "2025-07-17"}, []),
        ({"start_time": "now-5m"}, []),
    ],
)
def test_both_ends_of_the_window_are_inclusive_in_every_form_of_time(get, five, query, expected):
    assert numbers(get(PATH, **query)) == expected


def test_a_window_relative_to_now_finds_what_is_recent(get):
    make_samples(make_gpu(), 3, timezone.now() - timedelta(minutes=2))
    assert len(get(PATH, start_time="now-5m", end_time="now")["results"]) == 3


def test_metrics_choose_the_fields_in_the_order_asked_for(get, five):
    row = get(PATH, metrics="temperature,power_draw", limit=1)["results"][0]
    assert list(row) == ["timestamp", "temperature", "power_draw"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_following_next_and_previous_visits_every_sample_once(get, five, order):
    everything = get(PATH, order=order)["results"]
    first = get(PATH, order=order, limit=2)
    second = get(first["next"])
    third = get(second["next"])
    assert first["results"] + second["results"] + third["results"] == everything
    assert (first["previous"], third["next"]) == (None, None)
    assert get(third["previous"])["results"] == second["results"]
    assert get(second["previous"])["results"] == first["results"]
    assert get(second["previous"])["previous"] is None


def test_samples_stored_meanwhile_make_a_page_neither_skip_nor_repeat(get):
    gpu = make_gpu()
    make_samples(gpu, 5)
    first = get(PATH, order="desc", limit=2)
    make_samples(gpu, 3, START + timedelta(seconds=10))
    assert numbers(first) == [4, 3]
    assert numbers(get(first["next"])) == [2, 1]


def test_the_pages_of_a_relative_window_share_one_window(get):
    make_samples(make_gpu(), 3, timezone.now() - timedelta(minutes=2))
    page = get(PATH, start_time="now-5m", limit=1)
    assert "now-5m" not in page["next"]
    assert len(get(page["next"])["results"]) == 1


def test_the_chosen_metrics_and_limit_stay_in_the_address_of_the_next_page(get, five):
    page = get(PATH, metrics="power_draw", limit=2, end_time="2025-07-18T20:42:36Z")
    assert get(page["next"])["results"] == [
        {"timestamp": "2025-07-18T20:42:36.000000Z", "power_draw": 2}
    ]


def test_a_gpu_shows_no_samples_of_its_neighbour(get, five):
    make_samples(make_gpu("host-1", 1), 2)
    assert get(PATH)["count"] == 5


def test_a_page_takes_one_statement(get, five, django_assert_num_queries):
    with django_assert_num_queries(1):
        get(PATH)
