"""Uploads in the admin: shown cheaply, cancelled and tried again, and never edited."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.telemetry.models import Upload
from tests.integration.upload_rows import csv_of, make_upload

pytestmark = pytest.mark.django_db
LIST = "/admin/telemetry/upload/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("admin"))
    return client


def statements(client, path):
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path)
    assert response.status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def act(client, action, uploads):
    chosen = {"action": action, "_selected_action": [str(upload.pk) for upload in uploads]}
    response = client.post(LIST, chosen, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_takes_as_many_statements_for_sixty_as_for_one_and_reads_no_rejected_rows(admin):
    make_upload("default", csv_of(1))
    statements(admin, LIST)
    before = statements(admin, LIST)
    for number in range(60):
        make_upload("default", csv_of(1) + b"\n" * (number + 1))
    after = statements(admin, LIST)
    assert len(after) == len(before)
    assert not any('"rejections"' in statement for statement in after)


def test_the_page_of_one_shows_its_rejected_rows_as_text_and_no_form(admin):
    upload = make_upload("default", csv_of(1), "<b>.csv")
    Upload.objects.update(rejections=[{"line": 17, "reason": "<script>"}])
    page = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "17: &lt;script&gt;" in page
    assert "&lt;b&gt;.csv" in page
    assert 'name="filename"' not in page


def test_uploads_are_cancelled_and_tried_again(admin):
    waiting, done = make_upload("default", csv_of(1)), make_upload("default", csv_of(2))
    Upload.objects.filter(pk=done.pk).update(state="done")
    said = act(admin, "cancel", [waiting, done])
    assert "1 uploads are cancelled" in said
    assert "1 uploads are in no state" in said
    assert Upload.objects.get(pk=waiting.pk).state == "cancelled"
    act(admin, "retry", [waiting])
    assert Upload.objects.get(pk=waiting.pk).state == "waiting"


def test_nobody_adds_edits_or_deletes_one(admin):
    upload = make_upload("default", csv_of(1))
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(f"{LIST}{upload.pk}/change/", {"filename": "x"}).status_code == 403
    assert admin.post(f"{LIST}{upload.pk}/delete/", {"post": "yes"}).status_code == 403


def test_who_may_only_look_cannot_cancel(client):
    person = User.objects.create_user("viewer", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_upload"))
    client.force_login(person)
    upload = make_upload("default", csv_of(1))
    assert "Cancel selected" not in client.get(LIST).content.decode()
    act(client, "cancel", [upload])
    assert Upload.objects.get(pk=upload.pk).state == "waiting"


def test_who_may_not_even_look_sees_nothing(client):
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get(LIST).status_code == 403
