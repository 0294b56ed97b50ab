"""GET /metrics of the gateway: requests of all its processes, and the queue's state."""

import base64
import time
import urllib.error
import urllib.request
from collections import Counter

import pytest
from django.contrib.auth.models import User

from apps.embedded.ports import free_port
from apps.gateway.metrics.page import pipeline
from apps.mq import Message, Publisher, QueueConfig
from tests.integration.metrics_pages import PATIENCE_S, Page, get
from tests.integration.test_gateway_server import gateway

HTTP = "http_request_duration_seconds_count"


@pytest.fixture
def public(environment):
    return environment | {"PUBLIC_READ": "true"}


@pytest.fixture
def _fresh_look(settings, cluster_id):
    """This process looks at the queue of this test."""
    settings.CLUSTER_ID = cluster_id
    pipeline._look_at, pipeline._queue = 0.0, None
    yield
    pipeline._look_at, pipeline._queue = 0.0, None


def publish(endpoints: list[str], cluster_id: str, count: int) -> None:
    publisher = Publisher(QueueConfig(endpoints=tuple(endpoints), cluster=cluster_id))
    publisher.publish([Message("h", "0", b"{}")] * count)
    publisher.flush()
    publisher.close()


def ask(url: str) -> int:
    """The status; a connection each, so that any worker process may answer."""
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_requests_are_counted_by_route_and_status_over_all_processes(public):
    paths = {
        "/api/v1/gpus": "/api/v1/gpus",
        "/api/v1/gpus/nobody": "/api/v1/gpus/<name:uuid>",
        "/api/v1/gpus/none": "/api/v1/gpus/<name:uuid>",
        "/no/such/page": "unmatched",
    }
    with gateway(public, "--workers", 2) as (_, address):
        asked: Counter[tuple[str, int]] = Counter()
        for path, route in list(paths.items()) * 10:
            asked[route, ask(address + path)] += 1
        for _ in range(4):  # whichever process answers
            page = get(f"{address}/metrics")
            for (route, status), count in asked.items():
                assert page.value(HTTP, {"route": route, "status": str(status)}) == count
    assert asked["/api/v1/gpus/<name:uuid>", 404] == 20
    assert asked["unmatched", 404] == 10


def test_no_label_holds_what_a_client_chose(public):
    with gateway(public) as (_, address):
        for number in range(20):
            assert ask(f"{address}/secret-{number}") == 404
            assert ask(f"{address}/admin/telemetry/gpu/{number}/change/") == 200
            request = urllib.request.Request(f"{address}/health", method=f"METHOD{number}")
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(request)
        page = get(f"{address}/metrics")
    labels = [sample.labels for family in page.own() for sample in family.samples]
    routes = {label["route"] for label in labels if "route" in label}
    assert routes == {"/admin/", "/health", "unmatched"}
    assert {label["method"] for label in labels if "method" in label} == {"GET", "other"}


def test_the_page_tells_the_queue_s_state(etcd_endpoints, cluster_id, public):
    publish(etcd_endpoints, cluster_id, 300)
    with gateway(public) as (_, address):
        page = get(f"{address}/metrics")
    assert page.value("queue_backlog") == 300
    assert page.value("queue_oldest_message_age_seconds") > 0
    assert page.value("etcd_up") == 1
    assert 0 < page.value("etcd_store_in_use_bytes") < page.value("etcd_quota_bytes")
    assert page.value("build_info") == page.value("etcd_info") == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_look")
def test_members_are_counted_by_role(client, settings, start_consumer):
    settings.PUBLIC_READ = True
    one = start_consumer("one")
    deadline = time.monotonic() + PATIENCE_S
    while not one._membership.view() and time.monotonic() < deadline:
        one.take(1, 0.1)
    page = Page(client.get("/metrics").content.decode())
    assert page.value("queue_members", {"role": "collector"}) == 1
    assert page.value("queue_members", {"role": "streamer"}) == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_look")
def test_without_etcd_the_page_still_answers_and_says_so(client, settings):
    settings.PUBLIC_READ = True
    settings.ETCD_ENDPOINTS = [f"127.0.0.1:{free_port()}"]
    page = Page(client.get("/metrics").content.decode())
    assert page.value("etcd_up") == 0
    assert {"gpu_telemetry_queue_backlog"}.isdisjoint(family.name for family in page.families)


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_look")
def test_who_may_not_read_the_api_may_not_read_the_metrics(client, settings):
    settings.PUBLIC_READ = False
    assert client.get("/metrics").status_code == 401
    User.objects.create_user("prometheus", password="a long password")
    secret = base64.b64encode(b"prometheus:a long password").decode()
    answer = client.get("/metrics", headers={"Authorization": f"Basic {secret}"})
    assert answer.status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_look")
@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("text/plain;version=0.0.4", "text/plain"),
        ("application/openmetrics-text;version=1.0.0,*/*;q=0.1", "application/openmetrics-text"),
        ("image/png", "text/plain"),
    ],
)
def test_the_format_is_one_that_prometheus_accepts(client, settings, accepted, expected):
    settings.PUBLIC_READ = True
    answer = client.get("/metrics", headers={"Accept": accepted})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(expected)


def test_the_folder_of_the_counts_goes_with_the_gateway(public, tmp_path):
    with gateway(public | {"TMPDIR": str(tmp_path)}) as (process, address):
        get(f"{address}/metrics")
        assert list(tmp_path.glob("gpu-telemetry-metrics-*"))
        process.terminate()
        process.communicate(timeout=30)
        assert not list(tmp_path.iterdir())
