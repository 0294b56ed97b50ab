"""Who sent a request: the one answer for REST, GraphQL, WebSocket and server-sent events.

A header `Authorization` decides alone, without a look at sessions; what is wrong in it is refused
even where reading is public. Without it a session counts, and then PUBLIC_READ.
"""

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from apps.gateway.access import tokens
from apps.gateway.access.address import client_address, network
from apps.gateway.access.basic import principal_of_password
from apps.gateway.access.people import principal_of_user
from apps.gateway.access.refused import (
    UNKNOWN_HOLDER,
    UNKNOWN_PERSON,
    UNKNOWN_SCHEME,
    Refused,
    RoleNeeded,
    SignInNeeded,
)
from apps.gateway.access.roles import NOBODY, PUBLIC, Principal, Role
from apps.gateway.access.throttling import (
    charge_address,
    charge_failure,
    charge_holder,
    require_few_failures,
)

__all__ = ["Principal", "Role", "principal_of", "require"]


def principal_of(request: HttpRequest | Request) -> Principal:
    """Who sent this request; found, and counted against the limits, once per request.

    Raises Refused (401), TooMany (429), and PermissionDenied (403) for a session that sends
    something without its X-CSRFToken. All are exceptions of Django REST framework: elsewhere,
    `apps.gateway.problems.exception_handler` makes responses of them.
    """
    plain = request._request if isinstance(request, Request) else request
    found: Principal | None = plain.__dict__.get("_principal")
    if found is None:
        found = _identify(request, plain)
        plain.__dict__["_principal"] = found
    return found


def require(request: HttpRequest | Request, role: Role) -> Principal:
    """Who sent this request, if it may do what `role` may.

    Raises what `principal_of` raises, SignInNeeded (401) and RoleNeeded (403).
    """
    principal = principal_of(request)
    if principal.role >= role:
        return principal
    if principal.role is Role.NOBODY or principal is PUBLIC:
        raise SignInNeeded
    raise RoleNeeded(f"This needs the role {role.name.lower()}.")


def _identify(request: HttpRequest | Request, plain: HttpRequest) -> Principal:
    address = network(client_address(plain))
    charge_address(address)
    header = plain.META.get("HTTP_AUTHORIZATION")
    if header is None:
        principal = _by_session(request, plain)
    else:
        principal = _by_header(plain, header, address)
    if principal.name:
        charge_holder(principal.name)
    elif settings.PUBLIC_READ:
        return PUBLIC
    return principal


def _by_header(plain: HttpRequest, header: str, address: str) -> Principal:
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "bearer":
            text = value.strip()
            found = tokens.remembered(text) or tokens.look_up(text)
            reason = UNKNOWN_HOLDER
        case "basic":
            # Passwords can be guessed, and looking at one costs much.
            require_few_failures(address)
            found = principal_of_password(plain, value.strip())
            reason = UNKNOWN_PERSON
        case _:
            found, reason = None, UNKNOWN_SCHEME
    if found is None:
        charge_failure(address)
        raise Refused(reason)
    return found


def _by_session(request: HttpRequest | Request, plain: HttpRequest) -> Principal:
    if settings.SESSION_COOKIE_NAME not in plain.COOKIES:
        return NOBODY  # without asking Django for the session of nobody, which costs more than this
    principal = principal_of_user(plain.user)
    if principal is not NOBODY and plain.method not in SAFE_METHODS:
        # Any page on the web can make a browser send its session. `request`, not `plain`: the
        # views that take bodies in have it answer no form, and nothing is read before they do.
        SessionAuthentication().enforce_csrf(request)  # type: ignore[arg-type]
    return principal
