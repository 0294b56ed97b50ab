"""What GraphQL refuses before anything is executed, and how it says so."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from graphql import get_introspection_query

from apps.gateway.problems import CONTENT_TYPE, INVALID_PARAMETER
from tests.fleet_rows import make_gpu

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("public")]

DEEP = '{ gpu(uuid: "x") ' + "{ host { gpus { nodes " * 25 + "{ uuid }" + "}}}" * 25 + "}"
BOMBS = {
    "depth 50": (DEEP, "16 fields deep"),
    "3000 aliases": ("{" + " ".join(f"a{n}: x" for n in range(3000)) + "}", "16384 characters"),
    "60 aliases": (
        '{ gpu(uuid: "x") {' + " ".join(f"a{n}: uuid" for n in range(60)) + "} }",
        "50 aliases",
    ),
    "many tokens": ("{" + "a," * 5000 + "}", "Document contains more than 2000 tokens"),
    "many roots": (
        "{" + " ".join(f"a{n}: hosts {{ totalCount }}" for n in range(11)) + "}",
        "10 fields at its root",
    ),
    "many fields": (
        '{ gpu(uuid: "x") {' + " ".join(f"f{n}" for n in range(301)) + "} }",
        "300 fields",
    ),
    "one field again and again": ('{ gpu(uuid: "x") {' + "uuid " * 250 + "} }", "20 times"),
    "fragments that double": (
        '{ gpu(uuid: "x") { ...f0 } }'
        + "".join(f"fragment f{n} on Gpu {{ ...f{n + 1} ...f{n + 1} }}" for n in range(30))
        + "fragment f30 on Gpu { uuid }",
        "20 times",
    ),
    "a fragment nobody spreads": (
        "{ metrics { name } } fragment f on Gpu {" + "uuid " * 250 + "}",
        "20 times",
    ),
    "many fragments": (
        "{ metrics { name } }" + "".join(f"fragment f{n} on Gpu {{ uuid }}" for n in range(60)),
        "40 operations and fragments",
    ),
    "many comments": ("#\n" * 300 + "{ metrics { name } }", "more than 200 comments"),
    "many variables": (
        "query(" + " ".join(f"$v{n}: Int" for n in range(60)) + ") { metrics { name } }",
        "50 variables",
    ),
    "many directives": (
        "{ metrics " + "@include(if: true) " * 9 + "{ name } }",
        "4 directives",
    ),
    "too many values": (
        "{ gpus(first: 1000) { nodes { telemetry(limit: 10000) { power_draw } } } }",
        "and 100,000 is the most",
    ),
    "too many values by variables": (
        "query ($n: Int = 1000) { gpus(first: $n) { nodes { telemetry(limit: $n)"
        " { power_draw } } } }",
        "and 100,000 is the most",
    ),
    "too many summaries": (
        "{ gpus(first: 1000) { nodes { summary { max } } } }",
        "and 100,000 is the most",
    ),
}


def post(client, query, **rest):
    body = {"query": query, **rest}
    return client.post("/graphql", body, content_type="application/json")


def refused(client, query, **rest):
    """The only error of a query that is refused without a look at PostgreSQL."""
    with CaptureQueriesContext(connection) as captured:
        response = post(client, query, **rest)
    assert response.status_code == 400, response.content
    assert len(captured) == 0
    answer = response.json()
    assert "data" not in answer
    return answer["errors"][0]


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_anything_is_executed(client, name):
    query, detail = BOMBS[name]
    error = refused(client, query)
    assert detail in error["message"]
    assert error["extensions"]["status"] == 400


def test_a_megabyte_is_refused_unread(client):
    response = post(client, "{" + "a " * 500_000 + "}")
    assert response.status_code == 413
    assert response.headers["Content-Type"] == CONTENT_TYPE


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("{ gpus(first: 0) { totalCount } }", "first"),
        ("{ gpus(first: 1001) { totalCount } }", "first"),
        ("{ hosts(last: -1) { totalCount } }", "last"),
        ('{ gpu(uuid: "x") { telemetry(limit: 10001) { power_draw } } }', "limit"),
        ('{ gpu(uuid: "x") { telemetry(start: "soon") { power_draw } } }', "start"),
        ('{ gpu(uuid: "x") { telemetry(end: 5) { power_draw } } }', "end"),
        ('{ gpu(uuid: "x") { telemetry(start: "now", end: "now-5m") { power_draw } } }', "start"),
        ('{ gpu(uuid: "x") { telemetry(after: "there") { power_draw } } }', "after"),
        ('{ gpu(uuid: "x") { telemetry(resolution: "2m") { power_draw } } }', "resolution"),
        ('{ gpu(uuid: "x") { telemetry(order: up) { power_draw } } }', "order"),
        ('{ gpu(uuid: "x") { summary(metrics: [power_drag]) { max } } }', "metrics"),
        ('{ gpu(uuid: "x") { summary(metrics: "power_draw\\"; DROP") { max } } }', "metrics"),
    ],
)
def test_a_wrong_argument_is_named(client, query, parameter):
    extensions = refused(client, query)["extensions"]
    assert extensions == {"status": 400, "type": INVALID_PARAMETER, "parameter": parameter}


def test_a_wrong_variable_is_named(client):
    query = 'query ($since: Start) { gpu(uuid: "x") { telemetry(start: $since) { power_draw } } }'
    error = refused(client, query, variables={"since": "soon"})
    assert error["extensions"]["parameter"] == "since"
    assert "2025-07-18T20:42:34Z" in error["message"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("{ gpus(gpu_id: 0) { totalCount } }", "gpu_id"),
        ('{ gpus(after: "somewhere") { totalCount } }', "after"),
        ('{ gpus(after: "WyJsYWIiXQ") { totalCount } }', "after"),
        ("{ gpus(first: 1, last: 1) { totalCount } }", "last"),
    ],
)
def test_arguments_that_cannot_be_together_or_followed_are_named(client, query, parameter):
    answer = post(client, query).json()
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["parameter"] == parameter


@pytest.mark.parametrize("text", ["\\u0000", "a\\u0000b", "'; DROP TABLE telemetry_gpu; --"])
def test_no_text_in_an_argument_is_a_failure(client, text):
    make_gpu()
    answer = post(client, f'{{ gpus(cluster: "{text}") {{ totalCount }} }}').json()
    assert all(error["extensions"]["status"] == 400 for error in answer.get("errors", []))
    assert post(client, "{ gpus { totalCount } }").json() == {"data": {"gpus": {"totalCount": 1}}}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ('[{"query": "{ metrics { name } }"}]', 400),
        ('{"variables": {}}', 400),
        ('{"query": 5}', 400),
        ('{"query": "{ metrics { name } }", "variables": []}', 400),
        ('{"query": ' + "[" * 5000 + "]" * 5000 + "}", 400),
        (b'{"query": "\xff"}', 400),
    ],
)
def test_a_body_that_is_no_query_is_a_problem(client, body, status):
    response = client.post("/graphql", body, content_type="application/json")
    assert response.status_code == status
    assert response.headers["Content-Type"] == CONTENT_TYPE


def test_other_content_types_and_methods_are_problems(client):
    response = client.post("/graphql", {"query": "{ metrics { name } }"})
    assert (response.status_code, response.headers["Content-Type"]) == (415, CONTENT_TYPE)
    response = client.delete("/graphql")
    assert (response.status_code, response.headers["Content-Type"]) == (405, CONTENT_TYPE)
    assert response.headers["Allow"] == "GET, OPTIONS, POST"
    response = client.get("/graphql")
    assert response.json()["parameter"] == "query"


@pytest.mark.parametrize("query", ["mutation { x }", "subscription { x }", "", "{", "query A"])
def test_what_is_no_query_of_the_schema_is_refused(client, query):
    assert refused(client, query)["extensions"]["status"] == 400


def test_introspection_is_by_setting(client, settings):
    query = get_introspection_query()
    settings.GRAPHQL_INTROSPECTION = False
    assert "introspection" in refused(client, query)["message"]
    misspelt = refused(client, "{ metrics { nam } }")["message"]
    assert "Did you mean" not in misspelt
    settings.GRAPHQL_INTROSPECTION = True
    assert "__schema" in post(client, query).json()["data"]
    assert "Did you mean" in refused(client, "{ metrics { nam } }")["message"]


def test_introspection_in_circles_is_refused(client, settings):
    settings.GRAPHQL_INTROSPECTION = True
    circle = "fields { type {" * 5 + "name" + "}}" * 5
    assert (
        "introspection depth"
        in refused(client, f"{{ __schema {{ types {{ {circle} }} }} }}")["message"]
    )


def test_the_page_is_by_setting_and_asks_no_other_host(client, settings):
    settings.GRAPHIQL = False
    assert client.get("/graphql", HTTP_ACCEPT="text/html").status_code == 400
    settings.GRAPHIQL = True
    page = client.get("/graphql", HTTP_ACCEPT="text/html")
    assert page.status_code == 200
    assert "//" not in page.content.decode().replace("<!--", "")
    assert json.loads(client.get("/graphql", {"query": "{ metrics { name } }"}).content)["data"]
