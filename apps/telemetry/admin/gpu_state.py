"""The filter of GPUs by whether they report."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.telemetry.admin.columns import in_words
from apps.telemetry.models import Gpu
from apps.telemetry.queries.reporting import gpu_state
from apps.telemetry.status import State


class GpuStateFilter(admin.SimpleListFilter):
    """By the age of the latest sample, as apps/telemetry/status.py has it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, *_: Any) -> Iterable[tuple[str, str]]:
        """The states to choose from."""
        return [(state.value, in_words(state).capitalize()) for state in State]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Gpu]) -> QuerySet[Gpu]:
        """Only the GPUs in the chosen state."""
        if (chosen := self.value()) is None:
            return queryset
        return queryset.annotate(state=gpu_state("latest")).filter(state=chosen)
