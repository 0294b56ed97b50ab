"""How many SQL statements each kind of query costs, held against a reviewed list.

A number that changes is a change of cost for whoever asks: correct the list if it is meant.
"""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.telemetry.models import Gpu
from tests.fleet_rows import make_gpu, make_samples

pytestmark = pytest.mark.django_db

BASELINE = Path(__file__).parents[1] / "baselines" / "graphql_statements.json"
STATEMENTS = json.loads(BASELINE.read_text())
FACTS = "uuid hostname gpu_id model_name driver_version last_seen_at"
READINGS = """latest { timestamp power_draw } telemetry(limit: 3) { timestamp power_draw }
              summary(metrics: [power_draw]) { max }"""
QUERIES = {
    "metrics": "{ metrics { name unit } }",
    "a GPU": f'{{ gpu(uuid: "GPU-a-0-0") {{ {FACTS} }} }}',
    "a GPU with what it reported": f'{{ gpu(uuid: "GPU-a-0-0") {{ {FACTS} {READINGS} }} }}',
    "GPUs": f"{{ gpus {{ edges {{ node {{ {FACTS} }} }} }} }}",
    "GPUs and their number": f"{{ gpus {{ totalCount nodes {{ {FACTS} }} }} }}",
    "GPUs with what they reported": f"{{ gpus {{ nodes {{ {FACTS} {READINGS} }} }} }}",
    "GPUs by the minute": """{ gpus { nodes {
        telemetry(resolution: "auto", limit: 3) { power_draw } } } }""",
    "GPUs with host and cluster": """{ gpus { nodes { uuid
        host { hostname cluster { slug } } cluster { slug } } } }""",
    "one field with other arguments": """{ gpus { nodes {
        newest: telemetry(limit: 1, order: desc) { power_draw }
        oldest: telemetry(limit: 1) { power_draw } } } }""",
    "hosts with their GPUs": f"{{ hosts {{ nodes {{ gpus {{ nodes {{ {FACTS} }} }} }} }} }}",
    "the fleet with what it reported": f"""{{ clusters {{ nodes {{ slug
        hosts(first: 8) {{ totalCount nodes {{ hostname
        gpus(first: 8) {{ totalCount nodes {{ {FACTS} {READINGS} }} }} }} }} }} }} }}""",
    "up and down again": """{ gpus(first: 20) { nodes { host { gpus(first: 8) { nodes {
        host { cluster { hosts(first: 10) { nodes { hostname } } } } } } } } } }""",
}


def make_fleet(hosts):
    for cluster in ("a", "b"):
        for host in range(hosts):
            for index in range(2):
                make_samples(make_gpu(f"{cluster}-{host}", index, cluster), 4)


def statements(client, query):
    with CaptureQueriesContext(connection) as captured:
        response = client.post("/graphql", {"query": query}, content_type="application/json")
    assert "errors" not in response.json(), response.json()
    return len(captured)


def test_every_query_is_in_the_list_and_nothing_else_is():
    assert set(STATEMENTS) == set(QUERIES)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_costs_what_the_list_says_however_large_the_fleet(client, public, name):
    make_fleet(1)
    assert statements(client, QUERIES[name]) == STATEMENTS.get(name)
    Gpu.objects.all().delete()
    make_fleet(4)
    assert statements(client, QUERIES[name]) == STATEMENTS.get(name)
