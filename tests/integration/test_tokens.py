"""`createtoken` and the admin of tokens: made there, shown once, revoked, gone."""

import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.gateway.access import tokens
from apps.gateway.access.api_token import ApiToken
from apps.gateway.access.people import OPERATORS
from apps.gateway.access.roles import Role
from apps.gateway.access.token_text import read_token
from tests.fleet_rows import make_gpu
from tests.signing_in import make_token

LIST = "/admin/gateway/apitoken/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("admin"))
    return client


def create(*argv):
    out, error = StringIO(), StringIO()
    call_command("createtoken", *argv, stdout=out, stderr=error)
    return out.getvalue().strip(), error.getvalue()


def test_the_command_prints_the_token_and_a_request_that_uses_it():
    make_gpu(cluster="site")
    text, said = create("--name", "grafana", "--role", "viewer", "--cluster", "site")
    assert f"curl --header 'Authorization: Bearer {text}'" in said
    assert "has reported" not in said
    found = tokens.look_up(text)
    assert found is not None
    assert (found.role, found.clusters) == (Role.VIEWER, frozenset({"site"}))
    assert ApiToken.objects.get().name == "grafana"


def test_a_cluster_that_never_reported_is_pointed_out():
    _, said = create("--name", "n", "--role", "operator", "--cluster", "typo")
    assert "'typo' has reported" in said


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2999-01-01", datetime(2999, 1, 1, tzinfo=UTC)),
        ("2999-01-01T12:30:00+02:00", datetime(2999, 1, 1, 10, 30, tzinfo=UTC)),
        ("2999-01-01T12:30", datetime(2999, 1, 1, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_token_expires_when_it_was_told_to(when, expected):
    create("--name", "n", "--role", "admin", "--expires", when)
    assert ApiToken.objects.get().expires_at == expected


def test_a_token_expires_after_so_many_days():
    create("--name", "n", "--role", "admin", "--expires", "90d")
    at = ApiToken.objects.get().expires_at
    assert at is not None
    assert timedelta(days=89) < at - timezone.now() <= timedelta(days=90)


@pytest.mark.parametrize(
    "argv",
    [
        ["--role", "viewer"], ["--name", "n"], ["--name", " ", "--role", "viewer"],
        ["--name", "n", "--role", "nobody"], ["--name", "n", "--role", "viewer", "--expires", "x"],
        ["--name", "n", "--role", "viewer", "--expires", "2020-01-01"],
        ["--name", "n", "--role", "viewer", "--expires", "2999-02-30"],
        ["--name", "n", "--role", "viewer", "--expires", "0d"],
    ],
)  # fmt: skip
def test_wrong_arguments_make_no_token(argv):
    with pytest.raises(CommandError):
        create(*argv)
    assert not ApiToken.objects.exists()


def test_the_admin_makes_a_token_and_shows_it_on_one_page_alone(admin):
    given = {"name": "bot", "role": Role.OPERATOR.value, "clusters": "a,b"}
    page = admin.post(f"{LIST}add/", given, follow=True).content.decode()
    (text,) = re.findall(r"egt_\w{12}_[\w-]{43}", page)
    found = tokens.look_up(text)
    assert found is not None
    assert found.clusters == frozenset({"a", "b"})
    parts = read_token(text)
    assert parts is not None
    token = ApiToken.objects.get()
    for path in (LIST, f"{LIST}{token.pk}/change/"):
        shown = admin.get(path).content.decode()
        assert token.prefix in shown
        assert parts.secret not in shown
        assert bytes(token.secret_sha256).hex() not in shown


def test_a_token_that_was_revoked_in_the_admin_is_refused(admin):
    text = make_token()
    given = {"action": "revoke", "_selected_action": [ApiToken.objects.get().pk]}
    assert "1 tokens were revoked" in admin.post(LIST, given, follow=True).content.decode()
    assert tokens.look_up(text) is None
    assert "revoked" in admin.get(LIST).content.decode()


def test_nothing_of_a_token_can_be_changed(admin):
    make_token(Role.VIEWER)
    token = ApiToken.objects.get()
    given = {"name": "other", "role": Role.ADMIN.value, "clusters": ""}
    assert admin.post(f"{LIST}{token.pk}/change/", given).status_code == 403
    assert ApiToken.objects.get().role == Role.VIEWER


def test_staff_that_is_no_superuser_has_no_tokens_whatever_its_permissions(client):
    person = User.objects.create_user("staff", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="gateway"))
    client.force_login(person)
    assert client.get(LIST).status_code == 403
    assert client.post(f"{LIST}add/", {"name": "n", "role": 3}).status_code == 403


def test_the_migration_makes_the_group_of_operators():
    Group.objects.filter(name=OPERATORS).delete()
    import_module("apps.gateway.migrations.0002_operators").make(apps, None)
    assert Group.objects.filter(name=OPERATORS).exists()
