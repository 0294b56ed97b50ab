"""Admin of API tokens: made, looked at and revoked by superusers; a secret is shown once."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.gateway.access.api_token import ApiToken, draw_secret

GIVEN = ["name", "role", "clusters", "expires_at"]
FOUND = ["prefix", "state", "created_at", "revoked_at", "last_used_at"]


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Nothing about a token changes but that it is revoked; what it did stays traceable."""

    list_display = ["name", "prefix", "role", "scope", "state", "last_used_at", "expires_at"]
    list_filter = ["role"]
    search_fields = ["name", "prefix"]
    search_help_text = "name or prefix"
    actions = ["revoke"]

    @admin.display(description="clusters")
    def scope(self, token: ApiToken) -> str:
        """The clusters that it may see."""
        return ", ".join(token.clusters) or "all"

    def get_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        """What a new one needs, and of others also what became of it."""
        return GIVEN if obj is None else GIVEN + FOUND

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything, once it is stored."""
        return [] if obj is None else GIVEN + FOUND

    def save_model(self, request: HttpRequest, obj: ApiToken, _form: Any, change: bool) -> None:
        """Store a new one, and show its text in the next page alone."""
        if change:
            return
        text = draw_secret(obj)
        obj.save()
        messages.warning(request, f"The token, which cannot be shown again: {text}")

    @admin.action(description="Revoke selected tokens", permissions=["delete"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """From now on they are refused; within five seconds also where they were just used."""
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} tokens were revoked.")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Admins only, whatever permissions others were given: a token can be of any role."""
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Admins only."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Admins only."""
        return self.has_module_permission(request)

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody: a token that is known for one thing must not become another."""
        return False

    def has_delete_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Admins only."""
        return self.has_module_permission(request)
