"""Admin of dead letters: what could not be stored, and the way to publish it again."""

import time
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from apps.telemetry.dead_letters import readable
from apps.telemetry.models import Cluster, DeadLetter

SHOWN_BYTES = 4096
# Pages reach so far; older ones are found by filters.
LISTED = 10_000
# A page must answer; what is left of more letters takes the command.
REQUEUE_S = 20.0


class ClusterFilter(admin.SimpleListFilter):
    """By cluster, from those that are registered: the letters themselves would all be read."""

    title = "cluster"
    parameter_name = "cluster"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        """The registered clusters and this one, of which nothing may have been stored yet."""
        slugs = {settings.CLUSTER_ID, *Cluster.objects.values_list("slug", flat=True)}
        return [(slug, slug) for slug in sorted(slugs)]

    def queryset(
        self, _request: HttpRequest, queryset: QuerySet[DeadLetter]
    ) -> QuerySet[DeadLetter]:
        """Only letters of the chosen cluster."""
        return queryset.filter(cluster=self.value()) if self.value() else queryset


class LimitedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than the pages reach: a flood of letters may be millions."""

    @cached_property
    def count(self) -> int:
        """How many letters the pages show."""
        letters: QuerySet[DeadLetter] = self.object_list  # type: ignore[assignment]
        return letters.order_by()[:LISTED].count()


@admin.register(DeadLetter)
class DeadLetterAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Read, requeue and delete; only the collector adds."""

    list_display = ["key", "reason", "cluster", "buried_at"]
    list_filter = [ClusterFilter, "buried_at"]
    search_fields = ["key", "reason"]
    search_help_text = "key or reason"
    fields = ["cluster", "uuid", "timestamp", "key", "reason", "text", "buried_at"]
    readonly_fields = ["text", "buried_at"]
    actions = ["requeue"]
    paginator = LimitedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they are counts

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        """Letters without their bytes, which only the page of one shows."""
        return super().get_queryset(request).defer("value")

    @admin.display(description="value")
    def text(self, letter: DeadLetter) -> str:
        """The beginning of the message's bytes, readable."""
        value = bytes(letter.value)
        text = readable(value[:SHOWN_BYTES])
        return f"{text} … ({len(value)} bytes)" if len(value) > SHOWN_BYTES else text

    def has_add_permission(self, *_: Any) -> bool:
        """Only the collector adds."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """A message is evidence."""
        return False

    @admin.action(description="Requeue selected dead letters", permissions=["delete"])
    def requeue(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Publish them again; what etcd does not acknowledge stays a dead letter."""
        # Here, since a gateway that never publishes needs none of what the queue loads.
        from workers.dead_letters import CannotPublish, requeue  # noqa: PLC0415

        published = too_large = 0
        until = time.monotonic() + REQUEUE_S
        error = ""
        try:
            for step in requeue(queryset.defer(None)):
                published += step.published
                too_large += step.too_large
                if time.monotonic() > until:
                    error = "there are too many for a page; go on with `manage.py deadletters`."
                    break
        except CannotPublish as cause:
            error = f"The others were not published and are still here: {cause}"
        if published or not error:
            self.message_user(request, f"{published} dead letters were published again.")
        if too_large:
            text = f"{too_large} dead letters are too large to be published."
            self.message_user(request, text, messages.WARNING)
        if error:
            self.message_user(request, error, messages.ERROR)
