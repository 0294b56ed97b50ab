"""The fleet over GraphQL: clusters, hosts, GPUs and their totals, page by page."""

import pytest
from django.utils import timezone

from tests.fleet_rows import make_gpu, make_samples

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    """Two clusters; "lab" has three hosts with two GPUs each, "annex" a host-0 with one GPU."""
    for number in range(3):
        for index in range(2):
            make_gpu(f"host-{number}", index, "lab")
    make_gpu("host-0", 0, "annex", uuid="GPU-annex", model_name="NVIDIA A100")


def test_the_fleet_unfolds_from_its_clusters_down_and_from_a_gpu_up(data, fleet):
    found = data(
        """{ clusters { nodes { slug host_count gpu_count
               hosts { totalCount nodes { hostname gpus { totalCount nodes { uuid } } } }
               gpus { totalCount } } } }"""
    )["clusters"]["nodes"]
    assert [(one["slug"], one["host_count"], one["gpu_count"]) for one in found] == [
        ("annex", 1, 1),
        ("lab", 3, 6),
    ]
    lab = found[1]
    assert (lab["hosts"]["totalCount"], lab["gpus"]["totalCount"]) == (3, 6)
    assert lab["hosts"]["nodes"][2] == {
        "hostname": "host-2",
        "gpus": {"totalCount": 2, "nodes": [{"uuid": "GPU-host-2-0"}, {"uuid": "GPU-host-2-1"}]},
    }
    found = data(
        """{ gpu(uuid: "GPU-host-2-1") { cluster { slug gpu_count }
             host { hostname gpu_count cluster { slug } gpus { nodes { gpu_id } } } } }"""
    )["gpu"]
    assert found == {
        "cluster": {"slug": "lab", "gpu_count": 6},
        "host": {
            "hostname": "host-2",
            "gpu_count": 2,
            "cluster": {"slug": "lab"},
            "gpus": {"nodes": [{"gpu_id": 0}, {"gpu_id": 1}]},
        },
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('cluster: "annex"', 1),
        ('hostname: "host-0"', 3),
        ('hostname: "host-0", gpu_id: 1', 1),
        ('model: "h100"', 6),
        ('uuid: "GPU-annex"', 1),
        ('cluster: "nowhere"', 0),
    ],
)
def test_gpus_are_filtered_as_in_rest(data, get, fleet, arguments, expected):
    found = data(f"{{ gpus({arguments}) {{ totalCount nodes {{ uuid }} }} }}")["gpus"]
    query = dict(one.split(": ") for one in arguments.replace('"', "").split(", "))
    page = get("/api/v1/gpus", **query)
    assert found["totalCount"] == page["count"] == expected
    assert [row["uuid"] for row in found["nodes"]] == [row["uuid"] for row in page["results"]]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_of_a_connection_give_every_node_once_in_both_directions(data, fleet, size):
    everything = [row["uuid"] for row in data("{ gpus { nodes { uuid } } }")["gpus"]["nodes"]]
    forward, after = [], None
    query = """query ($size: Int, $after: String) { gpus(first: $size, after: $after) {
        edges { cursor node { uuid } } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
    while True:
        page = data(query, size=size, after=after)["gpus"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        forward += [edge["node"]["uuid"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert forward == everything
    backward: list[str] = []
    before = None
    query = """query ($size: Int, $before: String) { gpus(last: $size, before: $before) {
        nodes { uuid } pageInfo { hasNextPage hasPreviousPage startCursor } } }"""
    while True:
        page = data(query, size=size, before=before)["gpus"]
        assert page["pageInfo"]["hasNextPage"] is (before is not None)
        backward = [row["uuid"] for row in page["nodes"]] + backward
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert backward == everything


def test_a_nested_connection_goes_on_after_its_cursor(data, fleet):
    query = """query ($after: String) { host(hostname: "host-1") {
        gpus(first: 1, after: $after) { nodes { uuid } pageInfo { endCursor hasNextPage } } } }"""
    first = data(query)["host"]["gpus"]
    second = data(query, after=first["pageInfo"]["endCursor"])["host"]["gpus"]
    assert [first["nodes"], second["nodes"]] == [
        [{"uuid": "GPU-host-1-0"}],
        [{"uuid": "GPU-host-1-1"}],
    ]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


def test_an_empty_connection_has_no_cursors(data):
    assert data("{ hosts { totalCount edges { cursor } pageInfo { startCursor endCursor } } }") == {
        "hosts": {
            "totalCount": 0,
            "edges": [],
            "pageInfo": {"startCursor": None, "endCursor": None},
        }
    }


def test_a_host_of_several_clusters_needs_its_cluster(ask, data, fleet):
    assert data('{ host(hostname: "host-0", cluster: "lab") { gpu_count } }') == {
        "host": {"gpu_count": 2}
    }
    (error,) = ask('{ host(hostname: "host-0") { gpu_count } }')["errors"]
    assert error["extensions"]["parameter"] == "cluster"


def test_totals_and_models_are_those_of_rest(data, get, fleet):
    make_samples(make_gpu("host-9", 0, "lab"), 2, timezone.now(), gpu_utilization=50)
    stats = get("/api/v1/stats")
    assert data(f"{{ stats {{ {' '.join(stats)} }} }}")["stats"] == stats
    assert data('{ stats(cluster: "annex") { gpus power_draw } }')["stats"] == {
        "gpus": 1,
        "power_draw": None,
    }
    models = get("/api/v1/models")["results"]
    found = data("{ models { model_name gpu_count last_seen_at } }")["models"]
    assert found == models
    assert data('{ models(cluster: "annex") { model_name } }')["models"] == [
        {"model_name": "NVIDIA A100"}
    ]
