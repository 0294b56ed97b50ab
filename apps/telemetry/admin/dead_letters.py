"""Admin of dead letters: what could not be stored, with its bytes and the reason."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.telemetry.models import DeadLetter

SHOWN_BYTES = 4096


@admin.register(DeadLetter)
class DeadLetterAdmin(admin.ModelAdmin):
    """Read and delete; only the collector adds."""

    list_display = ["key", "reason", "cluster", "buried_at"]
    list_filter = ["cluster", "buried_at"]
    search_fields = ["key", "reason"]
    search_help_text = "key or reason"
    fields = ["cluster", "key", "reason", "text", "buried_at"]
    readonly_fields = ["text", "buried_at"]
    show_full_result_count = False

    @admin.display(description="value")
    def text(self, letter: DeadLetter) -> str:
        """The beginning of the message's bytes, readable."""
        value = bytes(letter.value)
        text = value[:SHOWN_BYTES].decode(errors="backslashreplace")
        return f"{text} … ({len(value)} bytes)" if len(value) > SHOWN_BYTES else text

    def has_add_permission(self, *_: Any) -> bool:
        """Only the collector adds."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """A message is evidence."""
        return False
