"""The filter of samples by day."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.telemetry.models import SampleRow
from apps.telemetry.partition_list import attached
from apps.telemetry.partitions import TABLE

ONE_DAY = timedelta(days=1)


class DayFilter(admin.SimpleListFilter):
    """By the days that PostgreSQL holds, which its partitions tell: the samples are not asked."""

    title = "day (UTC)"
    parameter_name = "day"

    def lookups(self, *_: Any) -> Iterable[tuple[str, str]]:
        """The days up to today, the newest first."""
        days = [partition.day for partition in attached(TABLE)]
        today = timezone.now().astimezone(UTC).date()
        return [(f"{day}", f"{day:%a %Y-%m-%d}") for day in reversed(days) if day <= today]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[SampleRow]) -> QuerySet[SampleRow]:
        """Only samples of the chosen day."""
        if (chosen := self._chosen()) is None:
            return queryset
        start = datetime.combine(chosen, time.min, tzinfo=UTC)
        return queryset.filter(timestamp__gte=start, timestamp__lt=start + ONE_DAY)

    def _chosen(self) -> date | None:
        try:
            return date.fromisoformat(self.value() or "")
        except ValueError:
            return None
