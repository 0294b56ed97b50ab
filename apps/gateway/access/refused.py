"""Why somebody could not sign in, and how they can."""

from rest_framework import exceptions

# Basic comes first: browsers and curl know what to do with it.
CHALLENGE = 'Basic realm="api", Bearer realm="api"'
UNKNOWN_HOLDER = (
    "This is no token, or one that was revoked or has expired; `manage.py createtoken` makes one."
)
UNKNOWN_PERSON = "There is no such user with this password."
UNKNOWN_SCHEME = (
    "Authorization is neither `Bearer` with a token nor `Basic` with name and password."
)


class Refused(exceptions.AuthenticationFailed):
    """What came to sign in is no good; answers 401 even where reading is public."""

    auth_header = CHALLENGE


class SignInNeeded(exceptions.NotAuthenticated):
    """Nobody signed in; answers 401."""

    auth_header = CHALLENGE
    default_detail = (
        "Sign in: with a token (`Authorization: Bearer egt_…`), with name and password (HTTP"
        " Basic), or at /admin/."
    )


class TooMany(exceptions.Throttled):
    """More than the limit; answers 429 with Retry-After, `wait_s` seconds."""

    def __init__(self, detail: str, wait_s: float) -> None:
        exceptions.APIException.__init__(self, detail)
        self.wait = wait_s


class RoleNeeded(exceptions.PermissionDenied):
    """Signed in, and may not do this; answers 403."""
