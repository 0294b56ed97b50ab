"""Who may read: people and programs that signed in, or anybody where PUBLIC_READ says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission

if TYPE_CHECKING:  # rest_framework.views imports this module by way of the settings
    from rest_framework.request import Request
    from rest_framework.views import APIView


class ReadAccess(BasePermission):
    """Allows reading to signed-in users, and to all where PUBLIC_READ is set; never writing."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether this request may go on."""
        if request.method not in view.allowed_methods:
            return True  # the view answers 405, which says more than 401
        if request.method not in SAFE_METHODS:
            return False
        return bool(settings.PUBLIC_READ or request.user.is_authenticated)
