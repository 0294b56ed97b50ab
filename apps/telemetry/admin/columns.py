"""Columns and links that several admin pages share."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.telemetry.metrics import BY_NAME, METRICS
from apps.telemetry.models import LatestSample, MetricColumns
from apps.telemetry.status import RULE, State

KEY_METRICS = ("gpu_utilization", "memory_used_mib", "power_draw", "temperature")
ACRONYMS = frozenset({"dbe", "ecc", "gpu", "pcie", "sbe", "sm", "xid"})
NOTHING = "-"


def utc(at: datetime | None) -> str:
    """A time to the millisecond, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}Z" if at else NOTHING


def state(latest: LatestSample | None) -> str:
    """Whether a GPU reports, and if not, since when; in words, so that no colour is needed."""
    now = timezone.now()
    if latest is None:
        return in_words(State.NEVER_SEEN)
    found = RULE.state(now, latest.timestamp, latest.interval_s)
    if found is State.REPORTING:
        return in_words(found)
    return format_html("<b>{}</b> for {}", in_words(found), _length(now - latest.timestamp))


def in_words(state: State) -> str:
    """A state's name for people."""
    return state.replace("_", " ")


def _length(age: timedelta) -> str:
    for unit, seconds in (("days", 86_400), ("h", 3600), ("min", 60)):
        if age.total_seconds() >= 2 * seconds:
            return f"{age.total_seconds() // seconds:.0f} {unit}"
    return f"{age.total_seconds():.0f} s"


def label(name: str) -> str:
    """A metric's heading: its name in words and its unit."""
    unit = BY_NAME[name].unit
    return f"{_words(name)} ({unit})" if unit else _words(name)


def value(sample: MetricColumns | None, name: str) -> str:
    """What a metric was, or a dash where it was not reported."""
    number = getattr(sample, name, None)
    if number is None:
        return NOTHING
    return f"{number:.10g}" if isinstance(number, float) else str(number)


def summary(sample: MetricColumns | None) -> str:
    """The key metrics in a line."""
    if sample is None:
        return NOTHING
    return ", ".join(
        f"{_words(name)} {value(sample, name)} {BY_NAME[name].unit}" for name in KEY_METRICS
    )


def _words(name: str) -> str:
    bare = name.removesuffix("_mib").removesuffix("_mhz").removesuffix("_mj")
    return " ".join(word.upper() if word in ACRONYMS else word for word in bare.split("_"))


def metric_columns(
    names: Iterable[str], sample_of: Callable[[Any], MetricColumns | None] = lambda row: row
) -> list[Callable[[Any], str]]:
    """`list_display` columns of metrics; `sample_of` finds a row's sample, the row by default."""
    return [_metric_column(name, sample_of) for name in names]


def _metric_column(
    name: str, sample_of: Callable[[Any], MetricColumns | None]
) -> Callable[[Any], str]:
    @admin.display(description=label(name))
    def column(row: Any) -> str:
        return value(sample_of(row), name)

    column.__name__ = name
    return column


def all_metrics(sample: MetricColumns | None) -> list[tuple[str, str]]:
    """Heading and value of every metric that was reported."""
    return [
        (label(metric.name), value(sample, metric.name))
        for metric in METRICS
        if getattr(sample, metric.name, None) is not None
    ]


class Styled:
    """An admin page with this application's style sheet."""

    class Media:
        """What the page loads."""

        css = {"all": ["telemetry/admin.css"]}


def page_link(model: str, key: object, text: object) -> SafeString:
    """A link to the admin page of one object."""
    return format_html(
        '<a href="{}">{}</a>', reverse(f"admin:telemetry_{model}_change", args=[key]), text
    )


def list_link(model: str, text: object, **filters: object) -> SafeString:
    """A link to a filtered admin list."""
    address = reverse(f"admin:telemetry_{model}_changelist")
    return format_html('<a href="{}?{}">{}</a>', address, urlencode(filters), text)


def charts_link(page: str, name: str, **query: object) -> SafeString:
    """A link to the charts of a host or a GPU, on its page of the dashboard."""
    address = reverse(page, args=[name])
    return format_html('<a href="{}?{}">charts</a>', address, urlencode(query))
