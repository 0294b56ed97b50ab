"""POST and GET /graphql: the fleet and its telemetry under the names of REST."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.gateway.graphql.query import SCHEMA
from apps.telemetry.metrics import METRIC_NAMES, METRICS
from tests.contract.settings_source import ROOT
from tests.fleet_rows import START, make_gpu, make_samples

pytestmark = pytest.mark.django_db

UUID = "GPU-host-1-0"


@pytest.fixture
def ask(client: Client, public: None):
    """Sends a query that must be executed; returns the whole answer."""

    def send(query, **variables):
        body = {"query": query, "variables": variables}
        response = client.post("/graphql", body, content_type="application/json")
        assert response.status_code == 200, response.content
        assert response.headers["Content-Type"] == "application/json"
        return response.json()

    return send


@pytest.fixture
def data(ask):
    """Sends a query that must succeed; returns its data."""

    def send(query, **variables):
        answer = ask(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    return send


@pytest.fixture
def five():
    """A GPU with samples 0 to 4, one per second."""
    return make_samples(make_gpu(), 5, temperature=40, extra={"DCGM_FI_DEV_FAN_SPEED": 40})


@pytest.fixture
def fleet():
    """Two clusters; "lab" has three hosts with two GPUs each, "annex" a host-0 with one GPU."""
    for number in range(3):
        for index in range(2):
            make_gpu(f"host-{number}", index, "lab")
    make_gpu("host-0", 0, "annex", uuid="GPU-annex", model_name="NVIDIA A100")


def numbers(found):
    return [row["power_draw"] for row in found["gpu"]["telemetry"]]


def test_a_gpu_has_the_facts_that_rest_has(data, get, five):
    gpu = get(f"/api/v1/gpus/{UUID}")
    names = [name for name in gpu if name not in {"cluster", "metrics"}]
    found = data(f'{{ gpu(uuid: "{UUID}") {{ {" ".join(names)} cluster {{ slug }} }} }}')["gpu"]
    assert found.pop("cluster") == {"slug": gpu["cluster"]}
    assert found == {name: gpu[name] for name in names}


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


def test_fragments_and_aliases_read_what_they_name(data, five):
    found = data(
        """query { gpu(uuid: "GPU-host-1-0") {
             first: telemetry(limit: 1) { ...power }
             last: telemetry(limit: 1, order: desc) { ... on Sample { watts: power_draw } }
             ...newest } }
           fragment power on Sample { power_draw }
           fragment newest on Gpu { latest { ...power temperature } }"""
    )
    assert found["gpu"] == {
        "first": [{"power_draw": 0}],
        "last": [{"watts": 4}],
        "latest": {"power_draw": 4, "temperature": 40},
    }


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


def test_the_metrics_are_those_of_the_registry(data):
    found = data("{ metrics { name unit kind description dcgm_id dcgm_names minimum maximum } }")
    assert [one["name"] for one in found["metrics"]] == list(METRIC_NAMES)
    power = next(one for one in found["metrics"] if one["name"] == "power_draw")
    assert power == {
        "name": "power_draw",
        "unit": "W",
        "kind": "gauge",
        "description": "Board power",
        "dcgm_id": 155,
        "dcgm_names": ["DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_BOARD_POWER_WATTS"],
        "minimum": 0,
        "maximum": 100_000,
    }


def test_every_metric_is_a_field_with_its_unit_in_the_description(data, settings):
    settings.GRAPHQL_INTROSPECTION = True
    fields = data('{ __type(name: "Sample") { fields { name description } } }')["__type"]["fields"]
    texts = {field["name"]: field["description"] for field in fields}
    for metric in METRICS:
        assert metric.description in texts[metric.name]
        assert metric.unit in texts[metric.name]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ('{ gpu(uuid: "GPU-none") { uuid } }', "No GPU GPU-none has reported"),
        ('{ host(hostname: "none") { hostname } }', "No host none has reported"),
        ('{ cluster(slug: "none") { slug } }', "No cluster none has reported"),
    ],
)
def test_what_is_unknown_is_null_with_a_404_among_the_errors(ask, query, detail):
    answer = ask(query)
    assert list(answer["data"].values()) == [None]
    (error,) = answer["errors"]
    assert error["message"].startswith(detail)
    assert error["extensions"] == {"status": 404, "type": "about:blank"}


def test_what_is_known_is_answered_beside_what_is_not(ask, five):
    answer = ask(f'{{ none: gpu(uuid: "none") {{ uuid }} some: gpu(uuid: "{UUID}") {{ uuid }} }}')
    assert answer["data"] == {"none": None, "some": {"uuid": UUID}}
    assert [error["path"] for error in answer["errors"]] == [["none"]]


def test_a_query_may_come_by_get(client, public, five):
    query = "query Q($uuid: String!) { gpu(uuid: $uuid) { uuid } }"
    response = client.get(
        "/graphql",
        {"query": query, "variables": f'{{"uuid": "{UUID}"}}', "operationName": "Q"},
    )
    assert response.json() == {"data": {"gpu": {"uuid": UUID}}}
    assert START.tzinfo is not None


def test_one_of_several_operations_is_executed(client, public):
    query = "query A { clusters { totalCount } } query B { hosts { totalCount } }"
    body = {"query": query, "operationName": "B"}
    response = client.post("/graphql", body, content_type="application/json")
    assert response.json() == {"data": {"hosts": {"totalCount": 0}}}


def test_the_schema_in_the_documents_is_the_one_that_is_served():
    assert (ROOT / "docs/schema.graphql").read_text() == str(SCHEMA), "run `make graphql`"


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


@pytest.mark.parametrize("number", range(3))
def test_the_queries_in_the_documents_work(data, five, number):
    text = (ROOT / "docs/graphql.md").read_text()
    query = re.findall(r"```graphql\n(.*?)```", text, re.DOTALL)[number]
    assert data(query, **({"uuid": UUID} if "$uuid" in query else {}))
