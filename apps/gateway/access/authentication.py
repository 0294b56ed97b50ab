"""Django REST framework's authentication: whoever `principal_of` finds."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.gateway.access.principal import Principal, principal_of
from apps.gateway.access.refused import CHALLENGE


class Authentication(BaseAuthentication):
    """Tokens, HTTP Basic and sessions; `request.auth` is the principal."""

    def authenticate(
        self, request: Request
    ) -> tuple[AbstractBaseUser | AnonymousUser, Principal] | None:
        """The principal of whoever signed in; its user, if any, is looked up by nobody here."""
        principal = principal_of(request)
        return (AnonymousUser(), principal) if principal.name else None

    def authenticate_header(self, _request: Request) -> str:
        """How to sign in."""
        return CHALLENGE
