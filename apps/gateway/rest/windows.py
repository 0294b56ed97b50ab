"""What the routes of telemetry share: window, resolution, form, links to other pages."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

from django.http import HttpResponse, HttpResponseBase
from msgspec import Meta
from rest_framework.request import Request

from apps.gateway.parameters import MAX_LIMIT, End, Metrics, Order, Parameters, Start
from apps.gateway.problems import InvalidParameter
from apps.gateway.rest.export_files import file_response
from apps.gateway.rest.formats import Format, FormatName
from apps.gateway.rest.pages import list_body, page_url
from apps.telemetry import queries
from apps.telemetry.queries import Buckets, GpuChoice, Resolution

DEFAULT_LIMIT = 100
# What `auto` aims at where no `limit` is given: enough for a chart as wide as a screen.
AUTO_POINTS = 1000
# How many times that it answers rather than too few: from one resolution to the next it is sixty.
AUTO_EXCESS = 4

PageLimit = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_LIMIT,
        description=(
            f"The most results in one answer: {DEFAULT_LIMIT} unless given; a file then holds the "
            f"whole window. With `resolution=auto` how many are wanted, {AUTO_POINTS} unless "
            f"given: an answer may hold {AUTO_EXCESS} times as many, up to {MAX_LIMIT}."
        ),
    ),
]
ResolutionName = Annotated[
    Literal["raw", "1m", "1h", "auto"],
    Meta(
        description=(
            "`raw` answers samples; `1m` and `1h` what they amount to per minute or hour; `auto` "
            "the coarsest of these that still gives `limit` results."
        )
    ),
]


class WindowParameters(Parameters):
    """The window, and how to answer it."""

    start_time: Start | None = None
    end_time: End | None = None
    limit: PageLimit | None = None
    order: Order = "asc"
    metrics: Metrics | None = None
    resolution: ResolutionName = "raw"
    format: FormatName | None = None

    @property
    def window(self) -> dict[str, Any]:
        """The bounds as the queries take them."""
        return {
            "start": self.start_time.at if self.start_time else None,
            "end": self.end_time.at if self.end_time else None,
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """The metrics asked for, or everything."""
        return self.metrics.names if self.metrics else queries.COLUMNS

    @property
    def page_limit(self) -> int:
        """The most results in one page."""
        if self.resolution == "auto":
            return min(AUTO_EXCESS * self.points, MAX_LIMIT)
        return DEFAULT_LIMIT if self.limit is None else self.limit

    @property
    def points(self) -> int:
        """How many results `auto` is to give."""
        return AUTO_POINTS if self.limit is None else self.limit

    def check(self) -> None:
        """Raise InvalidParameter where the window ends before it starts."""
        if self.start_time and self.end_time and self.start_time.at > self.end_time.at:
            raise InvalidParameter("start_time", "it is after `end_time`.")


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked for, looked up: with `buckets`, unless samples answer it."""

    choice: GpuChoice
    given: WindowParameters
    with_place: bool
    resolution: Resolution = Resolution.RAW
    buckets: Buckets | None = None

    def by(self, resolution: Resolution) -> Self:
        """The same in buckets. Raises RollupsGone, and InvalidParameter of too many."""
        buckets = Buckets(
            self.choice,
            queries.STEPS[resolution],
            **self.given.window,
            columns=self.given.columns,
            with_place=self.with_place,
        )
        return replace(self, resolution=resolution, buckets=_few_rows(buckets))


def look_up(choice: GpuChoice, given: WindowParameters, *, with_place: bool) -> Window:
    """The window in its resolution. Raises InvalidParameter where it cannot be given."""
    window = Window(choice, given, with_place)
    chosen = Resolution(given.resolution)
    if chosen is Resolution.AUTO:
        return _automatic(window)
    if chosen is Resolution.RAW:
        return window
    try:
        return window.by(chosen)
    except queries.RollupsGone as error:
        raise InvalidParameter("resolution", str(error)) from error


def _automatic(window: Window) -> Window:
    """What fits best; what is not kept so long gives way to what is coarser, then to samples."""
    given = window.given
    most = given.page_limit
    extent = queries.extent(window.choice, **given.window, at_most=most + 1)
    chosen = queries.resolution_for(extent, given.points, most)
    for kept in dict.fromkeys((chosen, Resolution.HOUR)):
        if kept is Resolution.RAW:
            break
        try:
            return window.by(kept)
        except queries.RollupsGone:
            continue
    return window


def _few_rows(buckets: Buckets) -> Buckets:
    """The same, looked up and counted. Raises RollupsGone, and InvalidParameter of too many."""
    bound = queries.MAX_AGGREGATED
    found = queries.counted(buckets, at_most=bound + 1)
    if (found.row_count or 0) > bound:
        raise InvalidParameter(
            "resolution",
            f"the answer is made of more than {bound:,} samples and roll-ups, too many at once; "
            "narrow it by start_time and end_time, choose fewer GPUs or a coarser resolution.",
        )
    return found


def window_file(window: Window, format_: Format, name: str) -> HttpResponseBase:
    """The window as a file. Raises InvalidParameter where it would be too large."""
    given = window.given
    order = queries.Order(given.order)
    if window.buckets is not None:
        export = queries.export_buckets(window.buckets, order=order, limit=given.limit)
        return file_response(export, format_, f"{name}-{window.resolution}")
    if given.limit is None:
        _require_exportable(window.choice, given)
    export = queries.export_samples(
        window.choice,
        **given.window,
        order=order,
        limit=given.limit,
        columns=given.columns,
        with_place=window.with_place,
    )
    return file_response(export, format_, name)


def _require_exportable(choice: GpuChoice, given: WindowParameters) -> None:
    bound = queries.MAX_EXPORTED
    if queries.extent(choice, **given.window, at_most=bound + 1).samples > bound:
        raise InvalidParameter(
            "format",
            f"the window holds more than {bound:,} samples, too many for one file; take it in "
            "parts by start_time and end_time, or with a coarser `resolution`.",
        )


def window_page(
    request: Request,
    window: Window,
    count: int | None,
    results: str,
    next_cursor: str | None,
    previous_cursor: str | None,
) -> HttpResponse:
    """A page of a window; where a resolution was asked for, it says which one it has."""
    body = list_body(
        count,
        _url(request, window, next_cursor),
        _url(request, window, previous_cursor),
        results,
    )
    if window.given.resolution != "raw":
        body = f'{{"resolution":"{window.resolution}",'.encode() + body[1:]
    return HttpResponse(body, content_type="application/json")


def _url(request: Request, window: Window, cursor: str | None) -> str | None:
    """Another page's address; neither a window relative to now nor `auto` moves between pages."""
    if cursor is None:
        return None
    given = window.given
    bounds = {"start_time": given.start_time, "end_time": given.end_time}
    fixed: dict[str, object] = {name: bound.absolute for name, bound in bounds.items() if bound}
    if given.resolution == "auto":
        fixed |= {"resolution": window.resolution, "limit": given.page_limit}
    return page_url(request, **fixed, cursor=cursor)
