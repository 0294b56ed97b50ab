"""Every operation of the OpenAPI document, asked with what it allows and with what it forbids.

Schemathesis makes the requests; what answers is the gateway's WSGI application on a real database
and etcd. No answer may be a fault of the gateway, or one that the document does not describe.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from telemetry_project.wsgi import application
from tests.fleet_rows import make_gpu, make_samples

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The same requests each time, few enough for every run of the tests.
FEW = settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

pytestmark = pytest.mark.django_db(transaction=True)
# The requests are made without HTTP, where nobody would unpack the answers.
PLAIN = {"Accept-Encoding": "identity"}
BASELINE = Path(__file__).parents[1] / "baselines" / "openapi.yaml"
OPERATIONS = [
    (path, method)
    for path, operations in yaml.safe_load(BASELINE.read_text())["paths"].items()
    for method in operations
]


@pytest.fixture
def document(settings, tmp_path, etcd_endpoints):
    """The document as the gateway serves it, and a small fleet to ask about."""
    settings.MEDIA_ROOT = str(tmp_path)
    make_samples(make_gpu(), 3, energy_consumption_mj=5, xid_error=79, extra={"a": 1})
    make_samples(make_gpu("host-2", 0, "east", device="nvidia0"), 2)
    return schemathesis.openapi.from_wsgi("/api/schema/", application)


@pytest.fixture
def cookie(settings):
    """The header of somebody who may do everything."""
    settings.PUBLIC_READ = False
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_as_documented(document, cookie, path, method):
    """To anybody and to somebody who may do everything, to what is allowed and what is not."""
    operation = document[path][method]

    def ask(case):
        nobody: dict[str, str] = {}
        for who in (nobody, cookie):
            case.call_and_validate(checks=CHECKS, headers=PLAIN | who)

    for mode in GenerationMode:
        with suppress(Unsatisfiable):  # some operations take nothing that could be wrong
            FEW(given(operation.as_strategy(generation_mode=mode))(ask))()
