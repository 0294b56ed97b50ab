"""What is sent again and how: ETags, 304, and compressed answers."""

import gzip
import io
import threading

import brotli
import pytest
import zstandard
from django.db import connection
from django.test import Client

from apps.gateway.rest import kept
from apps.telemetry import queries
from tests.fleet_rows import START, make_gpu, make_samples

PATHS = ["/api/v1/clusters", "/api/v1/hosts", "/api/v1/gpus", "/api/v1/gpus/GPU-host-1-0",
         "/api/v1/models", "/api/v1/stats", "/api/v1/telemetry/latest"]  # fmt: skip
UNPACK = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read(),
}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("public")]


@pytest.mark.parametrize("path", PATHS)
def test_who_has_the_answer_already_is_told_so_until_something_changes(client, path):
    make_samples(make_gpu(), 1)
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    make_samples(make_gpu("host-1", 1), 1, START.replace(year=2026))
    make_samples(queries.gpus()[0], 1, START.replace(year=2027))
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.content != first.content


def test_an_answer_is_kept_until_something_is_committed(client, django_assert_num_queries):
    gpu = make_gpu()
    make_samples(gpu, 1)
    first = client.get("/api/v1/telemetry/latest")
    with django_assert_num_queries(1):
        assert client.get("/api/v1/telemetry/latest").content == first.content
    make_samples(gpu, 1, START.replace(year=2026))
    assert client.get("/api/v1/telemetry/latest").content != first.content


def test_a_kept_answer_ends_with_a_commit_or_when_a_gpu_falls_silent():
    assert kept._Entry(snapshot="a").holds("a")
    assert not kept._Entry(snapshot="a").holds("b")
    assert not kept._Entry(snapshot=None).holds(None)
    assert not kept._Entry(snapshot="a", same_until=START).holds("a")


def test_many_who_ask_at_once_all_get_what_was_committed_before(client):
    gpu = make_gpu()
    make_samples(gpu, 1)
    found = []

    def ask():
        found.append(Client().get("/api/v1/telemetry/latest").json()["results"][0]["timestamp"])
        connection.close()

    for year in (2026, 2027):
        make_samples(gpu, 1, START.replace(year=year))
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {text[:4] for text in found[:8]} == {"2026"}
    assert {text[:4] for text in found[8:]} == {"2027"}


@pytest.mark.parametrize("encoding", list(UNPACK))
@pytest.mark.parametrize(
    "path", ["/api/v1/telemetry/latest", "/api/v1/gpus/GPU-host-1-0/telemetry", "/api/schema/"]
)
def test_answers_are_compressed_for_who_takes_that(client, path, encoding):
    make_samples(make_gpu(), 50)
    plain = client.get(path)
    packed = client.get(path, headers={"Accept-Encoding": encoding})
    assert packed.headers["Content-Encoding"] == encoding
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert UNPACK[encoding](packed.content) == plain.content
    assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize("encoding", list(UNPACK))
def test_a_file_is_compressed_while_it_is_sent(client, encoding):
    make_samples(make_gpu(), 50)
    path = "/api/v1/gpus/GPU-host-1-0/telemetry?format=ndjson"
    plain = b"".join(client.get(path).streaming_content)
    packed = client.get(path, headers={"Accept-Encoding": encoding})
    assert packed.headers["Content-Encoding"] == encoding
    assert UNPACK[encoding](b"".join(packed.streaming_content)) == plain


@pytest.mark.parametrize(
    "path", ["/health", "/api/v1/gpus", "/admin/login/", "/api/v1/telemetry?format=parquet"]
)
def test_small_answers_pages_for_people_and_packed_files_are_left_as_they_are(client, path):
    response = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in response.headers
    response.close()
