"""POST and GET /graphql: facts under the names of REST, and what is not there."""

import re

import pytest

from apps.gateway.graphql.query import SCHEMA
from apps.telemetry.metrics import METRIC_NAMES, METRICS
from tests.contract.settings_source import ROOT

pytestmark = pytest.mark.django_db

UUID = "GPU-host-1-0"
DOCUMENTED = re.findall(r"```graphql\n(.*?)```", (ROOT / "docs/graphql.md").read_text(), re.DOTALL)


def test_a_gpu_has_the_facts_that_rest_has(data, get, five):
    gpu = get(f"/api/v1/gpus/{UUID}")
    names = [name for name in gpu if name not in {"cluster", "metrics", "quarantined"}]
    found = data(
        f'{{ gpu(uuid: "{UUID}") {{ {" ".join(names)} cluster {{ slug }}'
        " quarantined { count last_at last_reason } } }"
    )["gpu"]
    assert found.pop("cluster") == {"slug": gpu["cluster"]}
    assert found.pop("quarantined") == gpu["quarantined"]
    assert found == {name: gpu[name] for name in names}


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


def test_one_of_several_operations_is_executed(client, public):
    query = "query A { clusters { totalCount } } query B { hosts { totalCount } }"
    body = {"query": query, "operationName": "B"}
    response = client.post("/graphql", body, content_type="application/json")
    assert response.json() == {"data": {"hosts": {"totalCount": 0}}}


def test_the_schema_in_the_documents_is_the_one_that_is_served():
    assert (ROOT / "docs/schema.graphql").read_text() == str(SCHEMA), "run `make graphql`"


@pytest.mark.parametrize("query", DOCUMENTED, ids=range(len(DOCUMENTED)))
def test_the_queries_in_the_documents_work(data, five, query):
    assert data(query, **({"uuid": UUID} if "$uuid" in query else {}))
