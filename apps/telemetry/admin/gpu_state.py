"""The filter of GPUs by whether they report."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.telemetry.admin.columns import SILENT_AFTER
from apps.telemetry.models import Gpu


class GpuStateFilter(admin.SimpleListFilter):
    """Reporting or silent, by the age of the latest sample."""

    title = "state"
    parameter_name = "state"

    def lookups(self, *_: Any) -> Iterable[tuple[str, str]]:
        """The states to choose from."""
        return [("reporting", "Reporting"), ("silent", "Silent")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Gpu]) -> QuerySet[Gpu]:
        """Only the GPUs in the chosen state."""
        since = timezone.now() - SILENT_AFTER
        match self.value():
            case "reporting":
                return queryset.filter(latest__timestamp__gte=since)
            case "silent":
                return queryset.exclude(latest__timestamp__gte=since)
        return queryset
