"""Uploads: what is taken in, what is refused and what then is left of it: nothing."""

import gzip
import hashlib
import threading
import uuid

import pytest
from backports import zstd
from django.db import connection
from django.test import Client

from apps.telemetry import uploads
from apps.telemetry.models import Upload
from tests.contract.uploading import CSV, form, make_sender, send, stored_files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.PUBLIC_READ = True
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return settings.MEDIA_ROOT


@pytest.fixture
def sender(db):
    return make_sender()


def problem(response, status):
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.json()["detail"]


def test_a_file_is_stored_and_answered_with_its_upload(client, sender, media):
    response = send(client, sender, form())
    assert response.status_code == 202
    body = response.json()
    assert response.headers["Location"] == body["url"]
    assert (body["state"], body["filename"], body["bytes"]) == ("waiting", "fleet.csv", len(CSV))
    assert body["sha256"] == hashlib.sha256(CSV).hexdigest()
    assert body["duplicate_of"] is None
    assert body["created_by"] == "sender"
    assert client.get(body["url"]).json() == body
    (file,) = stored_files(media)
    assert file.read_bytes() == CSV
    assert file.name == f"{body['id']}.csv"


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_compressed_files_are_taken_as_they_are(client, sender, media, compress):
    content = compress(CSV * 100)
    assert send(client, sender, form(content, "fleet.csv.x")).status_code == 202
    assert [file.read_bytes() for file in stored_files(media)] == [content]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"name,age\n1,2\n", "neither layout"),
        (b"timestamp,gpu_id\n" * 10, "lacks hostname, uuid"),
        (CSV.decode().encode("utf-16"), "UTF-16"),
        (b"timestamp\0" + CSV, "binary data"),
        (b"\xff" + CSV, "binary data"),
        (b"x" * 100_000, "binary data"),
        (gzip.compress(b"name,age\n" * 1000, mtime=0), "neither layout"),
        (b"\x1f\x8bno gzip at all" * 10, "damaged"),
        (b"\x28\xb5\x2f\xfdno zstd at all" * 10, "damaged"),
        (gzip.compress(b"\0" * 200_000_000, 9, mtime=0), "binary data"),
    ],
)
def test_what_is_no_telemetry_is_refused_and_leaves_nothing(client, sender, media, content, words):
    assert words in problem(send(client, sender, form(content)), 400)
    assert stored_files(media) == []
    assert not Upload.objects.exists()


def test_a_file_over_the_limit_is_refused_by_its_length_alone(client, sender, settings, media):
    settings.UPLOAD_MAX_BYTES = 100_000
    body = form(CSV + b"x" * 1_000_000)
    assert "UPLOAD_MAX_BYTES" in problem(send(client, sender, body), 413)
    assert not stored_files(media)


def test_a_file_just_over_the_limit_is_refused_and_one_just_at_it_is_not(
    client, sender, settings, media
):
    settings.UPLOAD_MAX_BYTES = len(CSV)
    problem(send(client, sender, form(CSV + b"\n")), 413)
    assert not stored_files(media)
    assert send(client, sender, form(CSV)).status_code == 202


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (form(end=False), "ended early"),
        (form(field="data"), "field `file`"),
        (form(filename=""), "field `file`"),
        (form(filename="/"), "field `file`"),
        (form(end=False) + b"\r\n" + form(), "one file"),
        (b"nothing", "ended early"),
    ],
)
def test_a_form_that_is_not_whole_or_not_one_file_is_refused(client, sender, media, body, words):
    assert words in problem(send(client, sender, body), 400)
    assert not stored_files(media)


def test_another_type_than_a_form_is_refused(client, sender):
    response = client.post("/api/v1/csv/upload", CSV, content_type="text/csv", headers=sender)
    assert "multipart/form-data" in problem(response, 415)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\\\..\\\\fleet.csv", "fleet.csv"),
        ("/abs/fleet.csv", "fleet.csv"),
        ("fl\0eet\x1b[31m.csv", "fleet[31m.csv"),
        ("x" * 300 + ".csv", "x" * 251 + ".csv"),
        ("%2e%2e%2ffleet.csv", "%2e%2e%2ffleet.csv"),
        ("<b>.csv", "<b>.csv"),
    ],
)
def test_a_file_name_is_a_label_that_leads_nowhere(client, sender, media, given, kept):
    body = send(client, sender, form(filename=given)).json()
    assert body["filename"] == kept
    assert [file.parent.name for file in stored_files(media)] == ["uploads"]


def test_the_same_content_again_is_the_earlier_upload(client, sender, media):
    first = send(client, sender, form()).json()
    response = send(client, sender, form(filename="other.csv"))
    assert response.status_code == 200
    assert response.json() == first | {"duplicate_of": first["id"]}
    assert response.headers["Location"] == first["url"]
    assert len(stored_files(media)) == 1


def test_force_takes_the_same_content_again_and_names_the_earlier_upload(client, sender, media):
    first = send(client, sender, form()).json()
    response = send(client, sender, form(), "?force=true")
    assert response.status_code == 202
    assert response.json()["duplicate_of"] == first["id"]
    assert response.json()["id"] != first["id"]
    assert len(stored_files(media)) == 2


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_an_upload_that_ended_badly_does_not_stand_in_the_way(client, sender, state):
    send(client, sender, form())
    Upload.objects.update(state=state)
    assert send(client, sender, form()).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_of_two_uploads_of_the_same_content_at_once_one_is_new(sender, media):
    answers = []

    def upload():
        answers.append(send(Client(), sender, form(CSV + b"\n" * 1_000_000)))
        connection.close()

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(stored_files(media)) == 1


def test_a_storage_that_takes_nothing_answers_507(client, sender, settings, tmp_path):
    (tmp_path / "a file").write_text("")
    settings.MEDIA_ROOT = str(tmp_path / "a file")
    assert "MEDIA_ROOT" in problem(send(client, sender, form()), 507)


def test_public_reading_lets_nobody_send(client, media):
    response = send(client, {}, form())
    problem(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    for step in ("cancel", "retry"):
        problem(client.post(f"/api/v1/csv/uploads/{uuid.uuid4()}/{step}"), 401)


def test_a_session_needs_its_token_and_nothing_is_stored_without(sender, media):
    from django.contrib.auth.models import User  # noqa: PLC0415

    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get())
    assert "CSRF" in problem(send(client, {}, form()), 403)
    assert not stored_files(media)
    token = "a" * 32
    client.cookies["csrftoken"] = token
    assert send(client, {"X-CSRFToken": token}, form()).status_code == 202


def test_uploads_are_listed_newest_first_and_by_state(client, sender):
    ids = [send(client, sender, form(CSV + b"\n" * number)).json()["id"] for number in range(3)]
    Upload.objects.filter(pk=ids[0]).update(state="done")
    page = client.get("/api/v1/csv/uploads", {"limit": 2}).json()
    assert page["count"] == 3
    assert [row["id"] for row in page["results"]] == ids[:0:-1]
    assert [row["id"] for row in client.get(page["next"]).json()["results"]] == ids[:1]
    done = client.get("/api/v1/csv/uploads", {"state": "done"}).json()
    assert [row["id"] for row in done["results"]] == ids[:1]


def test_the_list_takes_as_many_statements_for_many_as_for_one(
    client, sender, django_assert_num_queries
):
    for number in range(5):
        send(client, sender, form(CSV + b"\n" * number))
    with django_assert_num_queries(2):
        client.get("/api/v1/csv/uploads")


def test_an_upload_is_cancelled_and_tried_again(client, sender):
    url = send(client, sender, form()).json()["url"]
    Upload.objects.update(state="streaming", offset_bytes=10, rows=1)
    for _ in range(2):
        assert client.post(f"{url}/cancel", headers=sender).json()["state"] == "cancelled"
    for _ in range(2):
        body = client.post(f"{url}/retry", headers=sender).json()
        assert (body["state"], body["rows"]) == ("waiting", 1)


def test_one_that_failed_begins_again(client, sender):
    url = send(client, sender, form()).json()["url"]
    Upload.objects.update(state="failed", offset_bytes=10, rows=9, error="why")
    body = client.post(f"{url}/retry", headers=sender).json()
    assert (body["state"], body["rows"], body["percent"], body["error"]) == ("waiting", 0, 0.0, "")


def test_one_that_is_done_is_neither_cancelled_nor_tried_again(client, sender):
    url = send(client, sender, form()).json()["url"]
    Upload.objects.update(state="done")
    for step in ("cancel", "retry"):
        assert "is done" in problem(client.post(f"{url}/{step}", headers=sender), 409)


def test_an_upload_that_is_not_there_is_not_found(client, sender):
    path = f"/api/v1/csv/uploads/{uuid.uuid4()}"
    problem(client.get(path), 404)
    problem(client.post(f"{path}/cancel", headers=sender), 404)
    problem(client.get("/api/v1/csv/uploads/7"), 404)
    assert uploads.cancel(uuid.uuid4()) is False
