"""GET /api/v1/hosts, /api/v1/gpus and what is below them."""

import pytest

from apps.gateway.rest.schemas import GpuSerializer, HostSerializer
from tests.fleet_rows import START, make_gpu, make_samples


def uuids(page):
    return [gpu["uuid"] for gpu in page["results"]]


def test_an_empty_fleet_answers_empty_lists(get):
    for path in ("/api/v1/gpus", "/api/v1/hosts"):
        assert get(path) == {"count": 0, "next": None, "previous": None, "results": []}


def test_a_gpu_is_shown_with_its_place_and_when_it_was_last_seen(get):
    gpu = make_gpu("host-1", 3, device="nvidia3", driver_version="535.129.03")
    make_samples(gpu, 2)
    shown = get("/api/v1/gpus")["results"][0]
    detail = get(f"/api/v1/gpus/{gpu.uuid}")
    assert detail.pop("metrics")
    assert detail.pop("quarantined") == {"count": 0, "last_at": None, "last_reason": None}
    assert shown == detail
    assert shown | {"first_seen_at": None} == {
        "uuid": "GPU-host-1-3",
        "cluster": "default",
        "hostname": "host-1",
        "gpu_id": 3,
        "device": "nvidia3",
        "model_name": "NVIDIA H100 80GB HBM3",
        "driver_version": "535.129.03",
        "pci_bus_id": "",
        "first_seen_at": None,
        "last_seen_at": "2025-07-18T20:42:35.000000Z",
        "state": "lost",
    }


def test_a_gpu_without_samples_was_never_seen(get):
    make_gpu()
    assert get("/api/v1/gpus")["results"][0]["last_seen_at"] is None


def test_a_host_is_shown_with_its_gpus_counted(get):
    make_samples(make_gpu("host-1", 0), 1)
    make_samples(make_gpu("host-1", 1), 5)
    shown = get("/api/v1/hosts")["results"][0]
    assert shown | {"first_seen_at": None} == {
        "hostname": "host-1",
        "cluster": "default",
        "gpu_count": 2,
        "first_seen_at": None,
        "last_seen_at": "2025-07-18T20:42:38.000000Z",
        "reporting_count": 0,
        "state": "lost",
    }


def test_the_documented_fields_are_the_ones_that_are_answered(get):
    make_gpu()
    assert list(get("/api/v1/gpus")["results"][0]) == list(GpuSerializer().fields)
    assert list(get("/api/v1/hosts")["results"][0]) == list(HostSerializer().fields)


def test_gpus_are_ordered_by_cluster_host_and_index(get):
    for cluster, hostname, index in [("b", "a", 0), ("a", "b", 1), ("a", "b", 0), ("a", "a", 7)]:
        make_gpu(hostname, index, cluster, uuid=f"{cluster}{hostname}{index}")
    assert uuids(get("/api/v1/gpus")) == ["aa7", "ab0", "ab1", "ba0"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"cluster": "east"}, ["GPU-host-3-0"]),
        ({"hostname": "host-1"}, ["GPU-host-1-0", "GPU-host-1-1"]),
        ({"hostname": "host-1", "gpu_id": 1}, ["GPU-host-1-1"]),
        ({"uuid": "GPU-host-2-0"}, ["GPU-host-2-0"]),
        ({"model": "a100"}, ["GPU-host-2-0"]),
        ({"hostname": "host-1", "cluster": "east"}, []),
        ({"hostname": "host"}, []),
        ({"model": "%"}, []),
    ],
)
def test_gpus_are_filtered(get, query, expected):
    make_gpu("host-1", 0)
    make_gpu("host-1", 1)
    make_gpu("host-2", 0, model_name="NVIDIA A100-SXM4-80GB")
    make_gpu("host-3", 0, cluster="east")
    page = get("/api/v1/gpus", **query)
    assert uuids(page) == expected
    assert page["count"] == len(expected)


def test_hosts_are_filtered_by_cluster_and_name(get):
    make_gpu("host-1")
    make_gpu("host-2", cluster="east")
    assert [host["hostname"] for host in get("/api/v1/hosts", cluster="east")["results"]] == [
        "host-2"
    ]
    assert get("/api/v1/hosts", hostname="host-1")["count"] == 1


def test_the_gpus_of_a_host_are_its_own(get):
    make_gpu("host-1", 1)
    make_gpu("host-1", 0)
    make_gpu("host-2", 0)
    assert uuids(get("/api/v1/hosts/host-1/gpus")) == ["GPU-host-1-0", "GPU-host-1-1"]


def test_a_hostname_that_two_clusters_have_is_told_apart_by_the_cluster(get):
    make_gpu("host-1", 0, "east", uuid="east")
    make_gpu("host-1", 0, "west", uuid="west")
    assert uuids(get("/api/v1/hosts/host-1/gpus")) == ["east", "west"]
    assert uuids(get("/api/v1/hosts/host-1/gpus", cluster="west")) == ["west"]


@pytest.mark.parametrize("path", ["/api/v1/gpus", "/api/v1/hosts"])
def test_following_next_and_previous_visits_every_row_once(get, path):
    for number in range(7):
        make_gpu(f"host-{number}", 0)
    everything = get(path)["results"]
    seen, page = [], get(path, limit=3)
    assert page["previous"] is None
    while True:
        seen += page["results"]
        assert page["count"] == 7
        if page["next"] is None:
            break
        page = get(page["next"])
    assert seen == everything
    assert get(get(page["previous"])["previous"])["results"] == everything[:3]


def test_the_filters_of_a_list_stay_in_the_address_of_its_next_page(get):
    for index in range(3):
        make_gpu("host-1", index)
        make_gpu("host-2", index)
    page = get("/api/v1/gpus", hostname="host-2", limit=2)
    assert uuids(get(page["next"])) == ["GPU-host-2-2"]


def test_an_offset_beyond_the_end_answers_an_empty_page(get):
    make_gpu()
    page = get("/api/v1/gpus", offset=50)
    assert (page["count"], page["results"]) == (1, [])


@pytest.mark.parametrize("path", ["/api/v1/gpus", "/api/v1/hosts", "/api/v1/hosts/host-0/gpus"])
def test_a_list_takes_the_same_number_of_statements_whatever_its_length(
    get, path, django_assert_max_num_queries
):
    for index in range(20):
        make_samples(make_gpu("host-0", index), 1, START)
        make_gpu(f"host-{index + 1}", index)
    with django_assert_max_num_queries(3):
        get(path)
