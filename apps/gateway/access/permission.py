"""Django REST framework's permission: the role that a view asks for, and its cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission

from apps.gateway.access.principal import require
from apps.gateway.access.refused import RoleNeeded
from apps.gateway.access.roles import Role

if TYPE_CHECKING:  # rest_framework.views imports this module by way of the settings
    from rest_framework.request import Request
    from rest_framework.views import APIView


class RoleAccess(BasePermission):
    """A view says who may read (`read_role`, viewers unless said) and who may send (`write_role`).

    `own_cluster = True` is for what this gateway tells or takes about the cluster that it serves,
    CLUSTER_ID: whoever may not see that one is refused. A view that names no `write_role` takes
    nothing from anybody.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether this request may go on; raises what `require` raises."""
        if request.method not in view.allowed_methods:
            return True  # the view answers 405, which says more than 401
        name = "read_role" if request.method in SAFE_METHODS else "write_role"
        role: Role | None = getattr(view, name, Role.VIEWER if name == "read_role" else None)
        if role is None:
            return False
        principal = require(request, role)
        if getattr(view, "own_cluster", False) and not principal.may_see(settings.CLUSTER_ID):
            raise RoleNeeded("Your token is not for the cluster that this gateway serves.")
        return True
