"""Ingest over HTTP: what is accepted is in the queue, and what is not says where and why."""

import gzip
import json
import threading
import time

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from apps.embedded.ports import free_port
from apps.gateway.rest import ingest_queue as door
from apps.gateway.rest.ingest_body import MAX_MESSAGES
from tests.contract.uploading import make_sender
from tests.queue_contents import waiting_records

pytestmark = pytest.mark.django_db
NDJSON = "application/x-ndjson"
URL = "/api/v1/ingest"


@pytest.fixture(autouse=True)
def own_queue(settings, etcd_endpoints, cluster_id):
    settings.PUBLIC_READ = True
    settings.ETCD_ENDPOINTS = etcd_endpoints
    settings.CLUSTER_ID = cluster_id
    yield
    door.ingest_queue.cache_clear()


@pytest.fixture
def sender(db):
    return make_sender()


@pytest.fixture
def in_queue(etcd_endpoints, cluster_id):
    return lambda: waiting_records(etcd_endpoints, cluster_id)


def record(second=0, **more):
    return {
        "timestamp": f"2026-01-31T12:{second // 60:02}:{second % 60:02}Z", "gpu_id": 0,
        "hostname": "node-7", "uuid": "GPU-a", "gpu_utilization": 97, **more,
    }  # fmt: skip


def lines(*records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def post(client, sender, body, content_type="application/json", query="", **headers):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return client.post(URL + query, body, content_type=content_type, headers={**sender, **headers})


def problem(response, status):
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.json()


@pytest.mark.parametrize(
    ("content_type", "encode"),
    [
        ("application/json", lambda records: json.dumps(records).encode()),
        ("application/json; charset=utf-8", lambda records: json.dumps(records, indent=1).encode()),
        (NDJSON, lambda records: lines(*records)),
        (NDJSON, lambda records: b"\r\n" + lines(*records).replace(b"\n", b"\r\n\r\n")),
        (NDJSON, lambda records: lines(*records).rstrip()),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_records_are_in_the_queue_when_they_are_accepted(
    client, sender, in_queue, content_type, encode, compressed
):
    body = encode([record(second) for second in range(300)])
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    body = gzip.compress(body, mtime=0) if compressed else body
    response = post(client, sender, body, content_type, **headers)
    assert response.status_code == 202
    assert response.json() == {"accepted": 300, "rejected": 0, "errors": []}
    found = in_queue()
    assert len({record.timestamp for record in found}) == len(found) == 300
    assert {record.gpu_utilization for record in found} == {97}


def test_the_names_of_dcgm_and_numbers_as_text_are_understood(client, sender, in_queue):
    body = [
        {"timestamp": "1769860800", "gpu": "3", "Hostname": "node-7", "UUID": "GPU-a",
         "DCGM_FI_DEV_POWER_USAGE": "412.5", "strange": 1}
    ]  # fmt: skip
    assert post(client, sender, body).status_code == 202
    (found,) = in_queue()
    assert (found.gpu_id, found.power_draw, found.extra) == (3, 412.5, {"strange": 1})


def test_one_record_that_is_not_valid_keeps_all_out_and_is_named(client, sender, in_queue):
    body = [record(0), record(1, gpu_utilization=101), record(2), {"uuid": "GPU-a"}]
    answer = problem(post(client, sender, body), 400)
    assert answer["type"] == "urn:problem-type:invalid-records"
    assert (answer["accepted"], answer["rejected"]) == (0, 2)
    assert [error["index"] for error in answer["errors"]] == [1, 3]
    assert answer["errors"][0]["reason"].startswith("gpu_utilization: ")
    assert in_queue() == []


def test_partial_publishes_the_valid_ones(client, sender, in_queue):
    body = lines(record(0), record(1)) + b"{}\n" + lines(record(2)) + b"no json\n"
    response = post(client, sender, body, NDJSON, "?partial=true")
    assert response.status_code == 202
    answer = response.json()
    assert (answer["accepted"], answer["rejected"]) == (3, 2)
    assert [error["index"] for error in answer["errors"]] == [2, 4]
    assert len(in_queue()) == 3


def test_no_more_than_a_hundred_errors_are_listed(client, sender):
    answer = problem(post(client, sender, [{}] * 1000, query="?partial=true"), 400)
    assert (answer["rejected"], len(answer["errors"])) == (1000, 100)


def test_nothing_is_accepted_as_nothing(client, sender):
    for body, content_type in ((b"[]", "application/json"), (b"\n\n", NDJSON)):
        response = post(client, sender, body, content_type)
        assert (response.status_code, response.json()["accepted"]) == (202, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timestamp": "2001-01-01T00:00:00Z"}, "SAMPLE_MIN_TIME"),
        ({"timestamp": "2199-01-01T00:00:00Z"}, "in the future"),
        ({"timestamp": "2026-01-31T12:00:00"}, "timestamp"),
        ({"hostname": "a/b"}, "hostname"),
        ({"uuid": "GPU\0a"}, "NUL"),
        ({"gpu_id": -1}, "gpu_id"),
        ({"power_draw": "nan"}, "power_draw"),
        ({"extra": "x"}, "extra"),
    ],
)
def test_each_record_is_checked_as_everywhere(client, sender, in_queue, changes, words):
    answer = problem(post(client, sender, [record() | changes]), 400)
    assert words in answer["errors"][0]["reason"]
    assert in_queue() == []


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status", "words"),
    [
        (b"{}", "application/json", {}, 400, "JSON array"),
        (b"[1", "application/json", {}, 400, "JSON array"),
        (b"[" * 100_000, "application/json", {}, 400, "JSON array"),
        (b" ", "application/json", {}, 400, "JSON array"),
        (b"[]", "text/plain", {}, 415, "application/x-ndjson"),
        (b"[]", "application/json", {"Content-Encoding": "br"}, 415, "gzip"),
        (b"[]", "application/json", {"Content-Encoding": "gzip"}, 400, "not gzip"),
        (
            gzip.compress(b"[]" * 99, mtime=0)[:-3],
            NDJSON,
            {"Content-Encoding": "gzip"},
            400,
            "ended early",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    client, sender, body, content_type, headers, status, words
):
    answer = problem(post(client, sender, body, content_type, **headers), status)
    assert words in answer["detail"]


@pytest.mark.parametrize("line", [b"\xff\xfe", b"\0", b'"text"', b"[[[" * 50_000, b"nul"])
def test_a_line_that_is_no_record_is_one_rejected_record(client, sender, in_queue, line):
    body = lines(record(0)) + line + b"\n" + lines(record(1))
    response = post(client, sender, body, NDJSON, "?partial=true")
    assert response.status_code == 202
    assert [error["index"] for error in response.json()["errors"]] == [1]
    assert len(in_queue()) == 2


def test_a_body_over_the_limit_is_refused_compressed_or_not(client, sender, settings, in_queue):
    settings.INGEST_MAX_BYTES = 10_000
    big = lines(*[record(second) for second in range(200)])
    assert "INGEST_MAX_BYTES" in problem(post(client, sender, big, NDJSON), 413)["detail"]
    bomb = gzip.compress(b" " * 100_000_000, 9, mtime=0)[:9_000]
    problem(post(client, sender, bomb, NDJSON, **{"Content-Encoding": "gzip"}), 413)
    several = gzip.compress(big[:6_000], mtime=0) + gzip.compress(big[:6_000])
    problem(post(client, sender, several, NDJSON, **{"Content-Encoding": "gzip"}), 413)
    assert in_queue() == []


def test_a_flood_of_what_is_no_record_is_refused_at_once(client, sender, in_queue):
    flood = b"[" + b"1," * MAX_MESSAGES + b"1]"
    assert "250,000" in problem(post(client, sender, flood), 413)["detail"]
    assert in_queue() == []


def test_a_message_larger_than_etcd_takes_is_refused(client, sender, in_queue):
    body = [record(0, extra={"text": "x" * 1_500_000})]
    assert "1400000" in problem(post(client, sender, body), 400)["detail"]
    assert in_queue() == []


def test_a_full_queue_answers_429_and_says_when_to_come_back(
    client, sender, settings, in_queue, monkeypatch
):
    monkeypatch.setattr(door, "MEASURE_EVERY_S", 0.0)
    monkeypatch.setattr(door, "COST_FACTOR", 0)
    settings.QUEUE_MAX_DEPTH = 100
    assert post(client, sender, [record(second) for second in range(100)]).status_code == 202
    response = post(client, sender, [record(200)])
    assert "collectors are behind" in problem(response, 429)["detail"]
    assert response.headers["Retry-After"] == "1"
    assert len(in_queue()) == 100


def test_without_etcd_it_answers_503_and_the_next_ones_at_once(
    client, sender, settings, monkeypatch
):
    settings.ETCD_ENDPOINTS = [f"127.0.0.1:{free_port()}"]
    settings.INGEST_TIMEOUT_S = 1.0
    response = post(client, sender, [record()])
    assert "etcd did not acknowledge" in problem(response, 503)["detail"]
    assert response.headers["Retry-After"] == "2"
    tried: list[object] = []
    monkeypatch.setattr(door.IngestQueue, "_publisher", tried.append)
    problem(post(client, sender, [record()]), 503)
    assert tried == []


def test_after_an_outage_of_etcd_records_are_accepted_again(client, sender, stack, settings):
    settings.ETCD_ENDPOINTS = stack.settings()["ETCD_ENDPOINTS"].split(",")
    settings.INGEST_TIMEOUT_S = 1.0
    assert post(client, sender, [record(0)]).status_code == 202
    stack.etcd.stop(timeout_s=60)
    problem(post(client, sender, [record(1)]), 503)
    stack.etcd.restart()
    deadline = time.monotonic() + 60
    while post(client, sender, [record(1)]).status_code != 202:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    found = waiting_records(settings.ETCD_ENDPOINTS, settings.CLUSTER_ID)
    assert {record.timestamp.second for record in found} == {0, 1}


@pytest.mark.django_db(transaction=True)
def test_threads_publish_at_once(sender, in_queue):
    statuses = []

    def work(thread):
        client = Client()
        for number in range(5):
            body = [record(100 * thread + 10 * number + n) for n in range(10)]
            statuses.append(post(client, sender, body).status_code)
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [202] * 20
    assert len({record.timestamp for record in in_queue()}) == 200


def test_public_reading_lets_nobody_send_and_a_session_needs_its_token(sender, in_queue):
    problem(post(Client(), {}, [record()]), 401)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get())
    assert "CSRF" in problem(post(client, {}, [record()]), 403)["detail"]
    assert in_queue() == []
    client.cookies["csrftoken"] = "a" * 32
    assert post(client, {"X-CSRFToken": "a" * 32}, [record()]).status_code == 202
