"""Dead letters in the admin: shown cheaply, published again, deleted, and never edited."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import workers.admin
import workers.dead_letters
from apps.mq.publisher import MAX_MESSAGE_BYTES
from apps.telemetry.models import DeadLetter
from tests.integration.letters import make_letters
from tests.queue_contents import waiting_messages

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/telemetry/deadletter/"


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("admin"))
    return client


def listed(client, **query):
    """The text of the list and the statements that it took."""
    with CaptureQueriesContext(connection) as captured:
        response = client.get(LIST, query)
    assert response.status_code == 200
    return response.content.decode(), [query["sql"] for query in captured.captured_queries]


def act(client, action, letters, **more):
    """The text of the page after an action on these letters."""
    chosen = {"action": action, "_selected_action": [letter.pk for letter in letters], **more}
    response = client.post(LIST, chosen, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_takes_as_many_statements_for_sixty_letters_as_for_one(admin, cluster_id):
    make_letters(cluster_id, [b"a"])
    listed(admin)
    _, before = listed(admin)
    make_letters(cluster_id, [b"%d" % number for number in range(60)], reason="other")
    _, after = listed(admin)
    assert len(after) == len(before)


def test_the_list_reads_no_bytes_and_counts_no_further_than_its_pages_reach(admin, cluster_id):
    make_letters(cluster_id, [b"%d" % number for number in range(101)])
    _, statements = listed(admin)
    on_letters = [sql for sql in statements if 'FROM "telemetry_deadletter"' in sql]
    assert on_letters
    for statement in on_letters:
        assert '"value"' not in statement
        assert "LIMIT" in statement
        assert "DISTINCT" not in statement


def test_the_list_counts_up_to_its_limit(admin, cluster_id, monkeypatch):
    monkeypatch.setattr(workers.admin, "LISTED", 150)
    make_letters(cluster_id, [b"%d" % number for number in range(200)])
    assert "150 dead letters" in listed(admin)[0]


def test_letters_are_found_by_key_reason_and_cluster(admin, cluster_id, settings):
    settings.CLUSTER_ID = cluster_id
    make_letters(cluster_id, [b"a"], reason="of mine")
    make_letters("other", [b"b"], reason="of others")
    assert f"?cluster={cluster_id}" in listed(admin)[0]
    for query in ({"q": "of mine"}, {"q": f"/{cluster_id}/"}, {"cluster": cluster_id}):
        text, _ = listed(admin, **query)
        assert "of mine" in text
        assert "of others" not in text


def test_the_page_of_a_letter_shows_its_bytes_readable_and_harmless(admin, cluster_id):
    (letter,) = make_letters(cluster_id, [b"<script>\x1b\xff"])
    address = reverse("admin:telemetry_deadletter_change", args=[letter.pk])
    text = admin.get(address).content.decode()
    assert r"&lt;script&gt;\x1b\xff" in text


def test_selected_letters_are_published_again(admin, etcd_endpoints, cluster_id):
    first, second, _ = make_letters(cluster_id, [b"a", b"b", b"c"])
    assert "2 dead letters were published again" in act(admin, "requeue", [first, second])
    assert [value for _, value in waiting_messages(etcd_endpoints, cluster_id)] == [b"a", b"b"]
    assert bytes(DeadLetter.objects.get().value) == b"c"


def test_all_letters_of_a_filtered_list_are_published_again(admin, etcd_endpoints, cluster_id):
    letters = make_letters(cluster_id, [b"%d" % number for number in range(130)])
    make_letters("other", [b"x"])
    address = f"{LIST}?cluster={cluster_id}"
    chosen = {"action": "requeue", "select_across": "1", "_selected_action": [letters[0].pk]}
    admin.post(address, chosen)
    assert len(waiting_messages(etcd_endpoints, cluster_id)) == 130
    assert DeadLetter.objects.get().cluster == "other"


def test_without_etcd_the_page_says_so_and_nothing_is_deleted(
    admin, cluster_id, settings, monkeypatch
):
    monkeypatch.setattr(workers.dead_letters, "PATIENCE_S", 0.5)
    settings.ETCD_ENDPOINTS = ["127.0.0.1:1"]
    letters = make_letters(cluster_id, [b"a"])
    text = act(admin, "requeue", letters)
    assert "127.0.0.1:1 cannot be reached" in text
    assert "published again" not in text
    assert DeadLetter.objects.count() == 1


def test_more_letters_than_a_page_has_time_for_are_left_to_the_command(
    admin, cluster_id, monkeypatch
):
    monkeypatch.setattr(workers.admin, "REQUEUE_S", 0.0)
    letters = make_letters(cluster_id, [b"%d" % number for number in range(101)])
    text = act(admin, "requeue", letters)
    assert "100 dead letters were published again" in text
    assert "manage.py deadletters" in text
    assert DeadLetter.objects.count() == 1


def test_a_letter_too_large_for_etcd_is_reported_and_stays(admin, cluster_id):
    letters = make_letters(cluster_id, [b"x" * (MAX_MESSAGE_BYTES + 1)])
    assert "too large" in act(admin, "requeue", letters)
    assert DeadLetter.objects.count() == 1


def test_selected_letters_are_deleted_after_a_question(admin, cluster_id):
    letters = make_letters(cluster_id, [b"a", b"b"])
    assert "Are you sure" in act(admin, "delete_selected", letters)
    act(admin, "delete_selected", letters, post="yes")
    assert not DeadLetter.objects.exists()


def test_letters_are_neither_added_nor_edited(admin, cluster_id):
    (letter,) = make_letters(cluster_id, [b"a"])
    assert admin.get(f"{LIST}add/").status_code == 403
    address = reverse("admin:telemetry_deadletter_change", args=[letter.pk])
    assert admin.post(address, {"reason": "mine"}).status_code == 403


def test_who_may_only_look_may_not_requeue(client, cluster_id):
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_deadletter"))
    client.force_login(reader)
    letters = make_letters(cluster_id, [b"a"])
    act(client, "requeue", letters)
    assert DeadLetter.objects.count() == 1
