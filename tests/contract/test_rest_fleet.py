"""GET /api/v1/clusters, hosts/{hostname}, models, stats, metrics, telemetry, telemetry/latest, and
a GPU's summary and buckets."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.gateway.rest.schemas import (
    BucketSerializer,
    ClusterSerializer,
    FleetBucketSerializer,
    FleetSampleSerializer,
    LatestSerializer,
    MetricSerializer,
    ModelSerializer,
    StatsSerializer,
)
from apps.telemetry import queries
from apps.telemetry.metrics import METRIC_NAMES
from tests.fleet_rows import START, make_gpu, make_samples

GPU = "/api/v1/gpus/GPU-host-1-0"


def test_the_documented_fields_are_the_ones_that_are_answered(get):
    make_samples(make_gpu(), 1)
    for path, serializer in (
        ("clusters", ClusterSerializer),
        ("models", ModelSerializer),
        ("metrics", MetricSerializer),
        ("telemetry", FleetSampleSerializer),
        ("telemetry/latest", LatestSerializer),
        ("telemetry?resolution=1m", FleetBucketSerializer),
        ("gpus/GPU-host-1-0/telemetry?resolution=1m", BucketSerializer),
    ):
        assert list(get(f"/api/v1/{path}")["results"][0]) == list(serializer().fields), path
    assert list(get("/api/v1/stats")) == list(StatsSerializer().fields)


def test_an_empty_fleet_answers_empty_lists(get):
    for path in ("clusters", "models", "telemetry", "telemetry/latest"):
        assert get(f"/api/v1/{path}") == {
            "count": 0, "next": None, "previous": None, "results": []
        }  # fmt: skip
    assert get("/api/v1/stats")["gpus"] == 0


def test_a_cluster_is_shown_with_what_it_has(get, client):
    make_samples(make_gpu("host-1", 0, "east"), 1)
    make_gpu("host-2", 0, "east")
    cluster = get("/api/v1/clusters/east")
    assert (cluster["slug"], cluster["host_count"], cluster["gpu_count"]) == ("east", 2, 2)
    assert get("/api/v1/clusters")["results"] == [cluster]
    assert client.get("/api/v1/clusters/west").status_code == 404


def test_a_host_that_several_clusters_have_is_told_apart_by_the_cluster(get, client):
    make_gpu("host-1", 0, "east", uuid="a")
    assert get("/api/v1/hosts/host-1")["cluster"] == "east"
    make_gpu("host-1", 0, "west", uuid="b")
    response = client.get("/api/v1/hosts/host-1")
    assert (response.status_code, response.json()["parameter"]) == (400, "cluster")
    assert "east, west" in response.json()["detail"]
    assert get("/api/v1/hosts/host-1", cluster="west")["cluster"] == "west"
    assert client.get("/api/v1/hosts/host-2").status_code == 404


def test_models_are_counted(get):
    make_gpu("host-1", 0)
    make_gpu("host-1", 1)
    make_gpu("host-2", 0, "east", model_name="A100")
    models = get("/api/v1/models")["results"]
    assert [(model["model_name"], model["gpu_count"]) for model in models] == [
        ("A100", 1), ("NVIDIA H100 80GB HBM3", 2)
    ]  # fmt: skip
    assert get("/api/v1/models", cluster="east")["count"] == 1


def test_totals_are_of_the_gpus_that_report(get):
    now = timezone.now()
    make_samples(make_gpu("host-1", 0), 1, now, power_draw=300.0, gpu_utilization=50)
    make_samples(make_gpu("host-1", 1), 1, now, power_draw=100.0, gpu_utilization=0)
    make_samples(make_gpu("host-1", 2), 1, now - timedelta(minutes=5), power_draw=999.0)
    make_samples(make_gpu("host-2", 0, "east"), 1, now, power_draw=7.0)
    stats = get("/api/v1/stats", cluster="default")
    assert (stats["gpus"], stats["reporting"], stats["silent"], stats["idle"]) == (3, 2, 1, 1)
    assert (stats["power_draw"], stats["gpu_utilization"]) == (400, 25)
    assert get("/api/v1/stats")["power_draw"] == 407


def test_a_sum_has_no_digits_that_nobody_measured(get):
    now = timezone.now()
    for index in range(2):
        make_samples(make_gpu("host-1", index), 1, now, power_draw=(0.1, 0.2)[index])
    assert get("/api/v1/stats")["power_draw"] == 0.3


def test_the_registry_lists_every_metric(get):
    page = get("/api/v1/metrics")
    assert [metric["name"] for metric in page["results"]] == list(METRIC_NAMES)
    assert page["count"] == len(METRIC_NAMES)


def test_latest_samples_are_filtered_and_say_who_is_lost(get):
    make_samples(make_gpu("host-1", 0), 1, timezone.now())
    make_samples(make_gpu("host-2", 0, "east", model_name="A100"), 1)
    path = "/api/v1/telemetry/latest"
    assert [row["state"] for row in get(path)["results"]] == ["reporting", "lost"]
    for query in (
        {"state": "lost"}, {"cluster": "east"}, {"hostname": "host-2"}, {"model": "a1"},
        {"gpu": "GPU-host-2-0"},
    ):  # fmt: skip
        assert [row["uuid"] for row in get(path, **query)["results"]] == ["GPU-host-2-0"]
    row = get(path, metrics="power_draw")["results"][0]
    assert list(row)[-2:] == ["timestamp", "power_draw"]


def test_the_newest_samples_at_a_moment_are_those_of_then_with_the_state_of_then(get):
    make_samples(make_gpu("host-1", 0), 200)
    make_samples(make_gpu("host-1", 1), 5)
    make_samples(make_gpu("host-1", 2), 5, START + timedelta(seconds=150))
    make_samples(make_gpu("host-1", 3), 5, START - timedelta(minutes=11))
    rows = get("/api/v1/telemetry/latest", at="2025-07-18T20:44:35.5Z")["results"]
    assert [(row["gpu_id"], row["power_draw"], row["state"]) for row in rows] == [
        (0, 121, "reporting"), (1, 4, "silent")
    ]  # fmt: skip
    assert get("/api/v1/telemetry/latest", at="2025-07-18T20:44:35Z", state="silent")["count"] == 1
    assert get("/api/v1/telemetry/latest", at="2025-07-18T20:42:34Z")["count"] == 2
    for empty in ("2025-07-18T20:20:00Z", "0001-01-01", "9999-12-31T23:59:59.999999Z"):
        assert get("/api/v1/telemetry/latest", at=empty)["count"] == 0


def test_the_newest_samples_at_a_moment_come_as_a_file_too(client, public, db):
    make_samples(make_gpu(), 5)
    query = {"at": "2025-07-18T20:42:36Z", "metrics": "power_draw", "format": "csv"}
    lines = b"".join(client.get("/api/v1/telemetry/latest", query)).decode().split()
    assert lines[-1].endswith("2025-07-18T20:42:36.000000Z,2")


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_fleet_telemetry_is_paged_by_time_and_gpu(get, order):
    for index in range(3):
        make_samples(make_gpu("host-1", index), 4)
    everything = get("/api/v1/telemetry", order=order)["results"]
    assert len(everything) == 12
    seen, page = [], get("/api/v1/telemetry", order=order, limit=5)
    while True:
        seen += page["results"]
        if page["next"] is None:
            break
        page = get(page["next"])
    assert seen == everything
    assert get(get(page["previous"])["previous"])["results"] == everything[:5]


def test_fleet_telemetry_is_filtered(get):
    make_samples(make_gpu("host-1", 0), 2)
    make_samples(make_gpu("host-2", 0, "east", model_name="A100"), 3)
    for query in ({"cluster": "east"}, {"hostname": "host-2"}, {"model": "A100"},
                  {"gpu": "GPU-host-2-0"}):  # fmt: skip
        assert get("/api/v1/telemetry", **query)["count"] == 3


def test_a_summary_has_the_statistics_of_each_metric(get, client):
    make_samples(make_gpu(), 5)
    summary = get(f"{GPU}/telemetry/summary", metrics="power_draw,xid_error")
    assert summary["metrics"]["power_draw"] == {
        "min": 0, "avg": 2, "max": 4, "p50": 2, "p95": 3.8, "p99": 3.96, "last": 4, "count": 5
    }  # fmt: skip
    assert summary["metrics"]["xid_error"]["count"] == 0
    start = "2025-07-18T20:42:36Z"
    assert get(f"{GPU}/telemetry/summary", start_time=start)["start_time"] == (
        "2025-07-18T20:42:36.000000Z"
    )
    assert client.get("/api/v1/gpus/unknown/telemetry/summary").status_code == 404


def test_auto_gives_the_results_asked_for_and_says_how_fine_they_are(get):
    make_samples(make_gpu(), 180)
    path = f"{GPU}/telemetry"
    assert get(path, resolution="auto", limit=200)["resolution"] == "raw"
    minutes = get(path, resolution="auto", limit=10)
    assert (minutes["resolution"], minutes["count"]) == ("1m", 4)
    whole = get(path, resolution="auto", limit=2)
    assert (whole["resolution"], len(whole["results"]), whole["next"]) == ("1m", 4, None)
    assert get(path, resolution="auto", limit=1)["resolution"] == "1h"
    assert "resolution" not in get(path)


def test_the_pages_of_auto_have_one_resolution(get):
    make_samples(make_gpu(), 180)
    page = get(f"{GPU}/telemetry", resolution="1m", limit=3, metrics="power_draw")
    rest = get(page["next"])
    assert (page["resolution"], rest["resolution"]) == ("1m", "1m")
    assert len(page["results"] + rest["results"]) == page["count"] == 4
    assert get(rest["previous"])["results"] == page["results"]
    assert page["results"][0]["power_draw"] == {"min": 0, "avg": 12.5, "max": 25, "last": 25}


@pytest.mark.parametrize("path", [f"{GPU}/telemetry", "/api/v1/telemetry"])
def test_a_window_too_large_to_aggregate_is_refused(client, get, monkeypatch, path):
    make_samples(make_gpu(), 5)
    monkeypatch.setattr(queries, "MAX_AGGREGATED", 4)
    response = client.get(path, {"resolution": "1m"})
    assert (response.status_code, response.json()["parameter"]) == (400, "resolution")
    assert get(path, resolution="1m", end_time=START.isoformat()[:19] + "Z")["count"] == 1
    response = client.get(f"{GPU}/telemetry/summary")
    assert (response.status_code, response.json()["parameter"]) == (400, "start_time")


def test_buckets_of_an_unknown_gpu_are_not_found(client, public, db):
    assert client.get(f"{GPU}/telemetry", {"resolution": "auto"}).status_code == 404


def test_a_host_says_how_many_of_its_gpus_report(get):
    for index in range(7):
        make_samples(make_gpu("host-1", index), 1, timezone.now())
    make_samples(make_gpu("host-1", 7), 1, timezone.now() - timedelta(minutes=5))
    make_samples(make_gpu("host-2", 0), 1)
    make_gpu("host-3", 0)
    host = get("/api/v1/hosts/host-1")
    assert (host["gpu_count"], host["reporting_count"], host["state"]) == (8, 7, "reporting")
    states = {row["hostname"]: row["state"] for row in get("/api/v1/hosts")["results"]}
    assert states == {"host-1": "reporting", "host-2": "lost", "host-3": "never_seen"}
    for state, name in (("lost", "host-2"), ("never_seen", "host-3")):
        page = get("/api/v1/hosts", state=state)
        assert [row["hostname"] for row in page["results"]] == [name]
    page = get("/api/v1/gpus", state="silent")
    assert (page["count"], page["results"][0]["uuid"]) == (1, "GPU-host-1-7")


def test_a_gpu_says_which_metrics_it_has(get):
    make_samples(make_gpu("host-1", 0), 1, power_draw=100.0)
    metrics = get("/api/v1/gpus/GPU-host-1-0")["metrics"]
    assert list(metrics) == list(METRIC_NAMES)
    assert metrics["power_draw"] == "measured"
    assert metrics["temperature"] == "unsupported"
