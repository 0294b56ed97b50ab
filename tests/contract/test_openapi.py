"""The OpenAPI document: valid, without warnings, and changed only on purpose.

After a change that is meant, `make openapi` writes the baseline anew; its diff is the review.
"""

import re
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

BASELINE = Path(__file__).parents[1] / "baselines" / "openapi.yaml"


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("openapi") / "openapi.yaml"
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(path))
    return path.read_text()


@pytest.fixture(scope="module")
def document(text):
    return yaml.safe_load(text)


def test_it_is_the_baseline(text):
    assert text == BASELINE.read_text(), "run `make openapi` if this change is meant"


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")


def test_the_gateway_serves_it(client, document):
    response = client.get("/api/schema/", headers={"Accept": "application/yaml"})
    assert yaml.safe_load(response.content) == document


def test_it_is_made_once(client, monkeypatch):
    first = client.get("/api/schema/").content
    monkeypatch.setattr(SchemaGenerator, "get_schema", None)
    assert client.get("/api/schema/").content == first


def test_every_operation_describes_itself_its_parameters_and_its_errors(document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["operationId"], path
            assert operation["summary"], path
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert all(parameter["description"] for parameter in operation.get("parameters", []))


def test_every_successful_answer_has_an_example(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = [answer for code, answer in operation["responses"].items() if code[0] == "2"]
            assert answers, (method, path)
            for answer in answers:
                assert answer["content"]["application/json"]["examples"], (method, path)


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_the_pages_load_scripts_and_styles_from_this_gateway_alone(client, path):
    page = client.get(path).content.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    assert all(source.startswith(("/", "#")) for source in sources)
    for source in sources:
        assert client.get(source).status_code == 200
