"""Who is behind a connection that stays open: found at its start, and looked at again later."""

from collections.abc import Mapping
from typing import Any

from django.db import Error as DatabaseError
from rest_framework.exceptions import APIException, Throttled

from apps.gateway.access.principal import Principal, Role
from apps.gateway.access.roles import NOBODY
from apps.gateway.access.scopes import principal_of_scope

# Rights that were taken away are noticed within this time.
RECHECK_S = 45.0
SIGN_IN = "Sign in: Authorization: Bearer, a session, or an authenticate message within 5 s."
CHANGED = "What you may see has changed; connect again."
UNAVAILABLE = "PostgreSQL does not answer; connect again soon."


class Turned(Exception):
    """The visitor may not stay: `status` is HTTP's, the text says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Visitor:
    """The holder of one ASGI connection."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.principal: Principal = NOBODY
        self._scope = scope

    @property
    def is_viewer(self) -> bool:
        """Whether it may read at all."""
        return self.principal.role >= Role.VIEWER

    async def identify(self) -> None:
        """Find who it is, by header or session; nobody is no error yet. Raises Turned."""
        self.principal = await self._find()

    async def authenticate(self, token: str) -> None:
        """It is whoever holds this token. Raises Turned."""
        headers = [pair for pair in self._scope["headers"] if pair[0] != b"authorization"]
        header = (b"authorization", f"Bearer {token}".encode("utf-8", "replace"))
        self._scope = {**self._scope, "headers": [*headers, header]}
        self.principal = await self._find()

    async def check_again(self) -> None:
        """Raises Turned if it may no longer what it might at first."""
        try:
            principal = await self._find()
        except Turned as turned:
            if turned.status in {429, 503}:  # says nothing about its rights
                return
            raise
        if principal.role < Role.VIEWER:
            raise Turned(401, "You are signed out.")
        if principal.clusters != self.principal.clusters:
            raise Turned(403, CHANGED)

    async def _find(self) -> Principal:
        try:
            return await principal_of_scope(self._scope)
        except Throttled as error:
            raise Turned(429, str(error.detail)) from error
        except APIException as error:
            raise Turned(error.status_code, str(error.detail)) from error
        except DatabaseError as error:
            raise Turned(503, UNAVAILABLE) from error
