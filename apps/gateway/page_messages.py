"""Django's messages for pages alone: programs have none, and opening their storage costs a request
for telemetry one part in forty."""

from typing import Any

from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest

from apps.gateway.programs import is_for_programs


class PageMessageMiddleware(MessageMiddleware):
    """What the admin says once."""

    def __call__(self, request: HttpRequest) -> Any:
        """The answer; data go past."""
        if is_for_programs(request):
            return self.get_response(request)
        return super().__call__(request)
