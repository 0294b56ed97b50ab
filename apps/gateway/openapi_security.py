"""How the OpenAPI document says that one signs in; registered by being imported."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class SignIn(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The three ways of `principal_of`, any one of which will do."""

    target_class = "apps.gateway.access.authentication.Authentication"
    name = ["token", "password", "session"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """One definition for each name."""
        del auto_schema
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": "A token, as `manage.py createtoken` prints it.",
            },
            {"type": "http", "scheme": "basic", "description": "Name and password of a person."},
            {
                "type": "apiKey",
                "in": "cookie",
                "name": settings.SESSION_COOKIE_NAME,
                "description": (
                    "The session of whoever signed in at `/admin/`. What sends something needs "
                    "the token of the cookie `csrftoken` in the header `X-CSRFToken` too."
                ),
            },
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """One requirement for each name: in one they would all be needed together."""
        del auto_schema
        return [{name: []} for name in self.name]
