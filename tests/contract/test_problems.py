"""Every error is an RFC 9457 problem document, whoever raises it."""

import json

import pytest
from django.test import Client

from apps.gateway.error_pages import csrf_failure
from apps.telemetry import queries
from tests.fleet_rows import make_gpu

TELEMETRY = "/api/v1/gpus/GPU-host-1-0/telemetry"


def problem(response, status):
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert set(body) >= {"type", "title", "status", "detail", "instance"}
    assert body["status"] == status
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (f"{TELEMETRY}?start=now-5m", "start"),
        (f"{TELEMETRY}?start_time=yesterday", "start_time"),
        (f"{TELEMETRY}?end_time=2025-07-18T20:42:34", "end_time"),
        (f"{TELEMETRY}?start_time=2025-07-19&end_time=2025-07-17", "start_time"),
        (f"{TELEMETRY}?limit=0", "limit"),
        (f"{TELEMETRY}?limit=10001", "limit"),
        (f"{TELEMETRY}?limit=ten", "limit"),
        (f"{TELEMETRY}?order=sideways", "order"),
        (f"{TELEMETRY}?metrics=power_draw,uuid", "metrics"),
        (f"{TELEMETRY}?metrics=power_draw;drop", "metrics"),
        (f"{TELEMETRY}?cursor=x", "cursor"),
        (f"{TELEMETRY}?limit=1&limit=2", "limit"),
        ("/api/v1/gpus?gpu_id=0", "gpu_id"),
        ("/api/v1/gpus?hostname=a&gpu_id=-1", "gpu_id"),
        ("/api/v1/gpus?offset=-1", "offset"),
        ("/api/v1/gpus?offset=99999999999999999999", "offset"),
        ("/api/v1/gpus?hostname=%00", "hostname"),
        ("/api/v1/gpus?format=csv", "format"),
        ("/api/v1/gpus/GPU-host-1-0?metrics=power_draw", "metrics"),
        ("/api/v1/hosts?host=a", "host"),
        ("/api/v1/hosts/host-1/gpus?hostname=a", "hostname"),
        ("/api/v1/pipeline?since=now-1h", "since"),
        ("/api/schema/?version=2", "version"),
    ],
)
@pytest.mark.django_db
def test_a_wrong_parameter_is_named(client, public, path, parameter):
    make_gpu()
    body = problem(client.get(path), 400)
    assert body["parameter"] == parameter
    assert body["type"] == "urn:problem-type:invalid-parameter"
    assert body["detail"].startswith(f"{parameter}: ")
    assert body["instance"] == path


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/gpus/GPU-unknown",
        TELEMETRY,
        "/api/v1/gpus/GPU-host-1/telemetry",
        "/api/v1/gpus/0/telemetry",
        "/api/v1/gpus/%00",
        "/api/v1/gpus/a%20b/telemetry",
        "/api/v1/hosts/unknown/gpus",
        "/api/v1/nothing",
        "/api/v2/gpus",
        "/api/",
        "/health/deep",
        "/ws/telemetry/",
    ],
)
@pytest.mark.django_db
def test_what_is_not_there_is_not_found(client, public, path):
    problem(client.get(path), 404)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.django_db
def test_nothing_can_be_written(client, public, method):
    response = getattr(client, method)("/api/v1/gpus")
    problem(response, 405)
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/", "/api/schema/"])
def test_documentation_has_no_options(client, path):
    problem(client.options(path), 405)


def test_a_session_without_its_token_is_refused_and_told_what_to_send(db, admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    body = problem(client.post("/api/v1/csv/upload"), 403)
    assert "CSRF" in body["detail"]
    problem(client.post("/api/v1/nothing"), 404)


@pytest.mark.parametrize(("reason", "path"), [("CSRF cookie not set.", "/api/v1/gpus")])
def test_what_the_cross_site_check_refuses_is_a_problem(rf, reason, path):
    body = problem(csrf_failure(rf.post(path), reason), 403)
    assert "X-CSRFToken" in body["detail"]
    assert csrf_failure(rf.post("/admin/"), reason)["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_a_form_that_is_not_offered_is_refused(client, public):
    problem(client.get("/api/v1/gpus", headers={"Accept": "image/png"}), 406)


@pytest.mark.parametrize("path", ["/health", "/api/v1/gpus", "/api/v1/nothing"])
@pytest.mark.django_db
def test_a_host_that_is_not_allowed_is_refused(client, public, path):
    body = problem(client.get(path, headers={"Host": "elsewhere.example"}), 400)
    assert "ALLOWED_HOSTS" in body["detail"]


@pytest.mark.django_db
def test_too_many_parameters_are_refused_as_such(client, public):
    path = "/api/v1/gpus?" + "&".join(f"a{number}=1" for number in range(2000))
    assert "number of GET/POST parameters" in problem(client.get(path), 400)["detail"]


@pytest.mark.django_db
def test_a_fault_of_the_gateway_says_so_without_its_reason(public, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("secret")

    monkeypatch.setattr(queries, "gpu_telemetry_json", fail)
    body = problem(Client(raise_request_exception=False).get(TELEMETRY), 500)
    assert "secret" not in str(body)


@pytest.mark.parametrize("path", [TELEMETRY, "/api/v1/gpus", "/api/v1/hosts"])
def test_without_postgresql_callers_are_told_to_come_back(client, public, no_postgresql, path):
    response = client.get(path)
    problem(response, 503)
    assert response.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/gpus/", "/api/v1/gpus"),
        ("/api/v1/gpus/?limit=1", "/api/v1/gpus?limit=1"),
        (f"{TELEMETRY}/", TELEMETRY),
        ("/api/v1/gpus//", "/api/v1/gpus"),
        ("/health/", "/health"),
        ("/api/docs", "/api/docs/"),
        ("/api/schema?x=1", "/api/schema/?x=1"),
    ],
)
def test_a_slash_too_many_or_too_few_is_redirected(client, public, path, target):
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (308, target)


def test_people_get_pages_and_not_problem_documents(client):
    response = client.get("/nothing")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")
