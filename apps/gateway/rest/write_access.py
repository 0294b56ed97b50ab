"""Who may send something: people and programs that signed in, whatever PUBLIC_READ says."""

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.permissions import ReadAccess


class WriteAccess(ReadAccess):
    """Allows reading as everywhere, and writing to signed-in users."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether this request may go on."""
        if request.method in SAFE_METHODS or request.method not in view.allowed_methods:
            return super().has_permission(request, view)
        return bool(request.user.is_authenticated)
