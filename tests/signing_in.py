"""People and tokens for tests, and the headers that they sign in with."""

import base64
from collections.abc import Iterable

from django.contrib.auth.models import Group, User

from apps.gateway.access.api_token import issue
from apps.gateway.access.people import OPERATORS
from apps.gateway.access.roles import Role

PASSWORD = "a long password"


def make_operator(name: str = "sender") -> User:
    """A person who may send."""
    person = User.objects.create_user(name, password=PASSWORD)
    # Tests that commit begin with empty tables, the migrations' rows gone.
    person.groups.add(Group.objects.get_or_create(name=OPERATORS)[0])
    return person


def make_token(role: Role = Role.VIEWER, clusters: Iterable[str] = (), **facts: object) -> str:
    """A token, as its holder has it."""
    _, text = issue(**{"name": "test", "role": role, "clusters": list(clusters)} | facts)
    return str(text)


def bearer(token: str) -> dict[str, str]:
    """Signs in with a token."""
    return {"Authorization": f"Bearer {token}"}


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    """Signs in with name and password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
