"""Admin lists of samples: read-only, and never a scan or a count of history."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from apps.telemetry.admin.columns import KEY_METRICS, Styled, metric_columns, page_link, state, utc
from apps.telemetry.admin.day import DayFilter
from apps.telemetry.metrics import METRIC_NAMES
from apps.telemetry.models import Gpu, LatestSample, SampleRow


class ListedOnly(Styled, admin.ModelAdmin):
    """For rows that the pipeline alone writes: a list, and no page for one of them."""

    list_display_links = None
    actions = None

    def has_add_permission(self, *_: Any) -> bool:
        """Only ingestion adds."""
        return False

    def has_change_permission(self, *_: Any) -> bool:
        """Only ingestion changes."""
        return False

    def has_delete_permission(self, *_: Any) -> bool:
        """Only retention deletes."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """The list alone."""
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name=f"telemetry_{self.opts.model_name}_changelist")]


@admin.register(LatestSample)
class LatestSampleAdmin(ListedOnly):
    """The newest sample of each GPU."""

    list_display = ["gpu_link", "host", "at", "state", *metric_columns(KEY_METRICS)]
    list_filter = ["gpu__host__cluster"]
    list_select_related = ["gpu__host"]
    search_fields = ["gpu__uuid", "gpu__host__hostname"]
    search_help_text = "UUID or hostname"
    ordering = ["-timestamp", "gpu"]

    @admin.display(description="GPU", ordering="gpu__uuid")
    def gpu_link(self, latest: LatestSample) -> SafeString:
        """A link to the GPU's page, which has all values."""
        return page_link("gpu", latest.gpu_id, latest.gpu)

    @admin.display(ordering="gpu__host__hostname")
    def host(self, latest: LatestSample) -> SafeString:
        """A link to the GPU's host."""
        return page_link("host", latest.gpu.host_id, latest.gpu.host)

    @admin.display(description="time", ordering="timestamp")
    def at(self, latest: LatestSample) -> str:
        """The sample's time."""
        return utc(latest.timestamp)

    def state(self, latest: LatestSample) -> str:
        """Whether the GPU reports."""
        return state(latest)


class GpuFilter(admin.SimpleListFilter):
    """One GPU's samples; offers the GPUs of the same host as the next ones to look at."""

    title = "GPU"
    parameter_name = "gpu"

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, Any],
        model: type[SampleRow],
        model_admin: admin.ModelAdmin,
    ) -> None:
        uuid = request.GET.get("gpu", "")
        self.chosen = Gpu.objects.filter(uuid=uuid).select_related("host").first()
        super().__init__(request, params, model, model_admin)

    def lookups(self, *_: Any) -> Iterable[tuple[str, str]]:
        """The GPUs of the chosen one's host."""
        if self.chosen is None:
            return []
        siblings = Gpu.objects.filter(host=self.chosen.host_id).order_by("gpu_index", "uuid")
        return [(gpu.uuid, f"{self.chosen.host}: {gpu.gpu_index}") for gpu in siblings]

    def has_output(self) -> bool:
        """Always: Django leaves out a filter without choices, and history would be listed whole."""
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Without Django's first choice, which would be every GPU."""
        return islice(super().choices(changelist), 1, None)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[SampleRow]) -> QuerySet[SampleRow]:
        """The samples of that GPU, by its number so that the primary key is used."""
        if self.chosen is None:
            return queryset.none()
        return queryset.filter(gpu_id=self.chosen.pk)


class UncountedList(ChangeList):
    """A list that reads its page and one row more, where Django would count all of them."""

    def get_results(self, _request: HttpRequest) -> None:
        """Read the page's rows."""
        first = (self.page_num - 1) * self.list_per_page
        rows = list(self.queryset[first : first + self.list_per_page + 1])
        self.result_list = rows[: self.list_per_page]
        self.result_count = self.full_result_count = len(self.result_list)
        self.has_more = len(rows) > self.list_per_page
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(rows, self.list_per_page)
        self.newer_url = self.get_query_string({"p": self.page_num - 1})
        self.older_url = self.get_query_string({"p": self.page_num + 1})


@admin.register(SampleRow)
class SampleRowAdmin(ListedOnly):
    """The samples of one GPU, newest first."""

    list_display = ["at", *metric_columns(METRIC_NAMES), "extra"]
    list_filter = [GpuFilter, DayFilter]
    ordering = ["-timestamp"]
    sortable_by = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they are counts

    def get_changelist(self, *_: Any, **__: Any) -> type[ChangeList]:
        """The list that does not count."""
        return UncountedList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Where no GPU is chosen, go to the one that reported last."""
        if "gpu" not in request.GET:
            newest = LatestSample.objects.select_related("gpu").order_by("-timestamp").first()
            if newest is not None:
                return HttpResponseRedirect(f"?{urlencode({'gpu': newest.gpu.uuid})}")
        title = f"Samples of {request.GET['gpu']}" if "gpu" in request.GET else "Samples"
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    @admin.display(description="time (UTC)")
    def at(self, sample: SampleRow) -> str:
        """The sample's time."""
        return utc(sample.timestamp)
