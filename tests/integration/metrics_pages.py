"""Metrics pages as tests read them: fetched over HTTP, parsed by prometheus-client's own parser."""

import time
import urllib.request
from collections.abc import Callable, Mapping

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from apps.embedded.ports import free_port
from workers.observability import server

PATIENCE_S = 30
PREFIX = "gpu_telemetry_"


class Page:
    """What one GET of a metrics page showed."""

    def __init__(self, text: str) -> None:
        self.families: list[Metric] = list(text_string_to_metric_families(text))

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """The sum of the samples called `name` (without the prefix) that have these labels."""
        wanted = (labels or {}).items()
        return sum(
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == PREFIX + name and wanted <= sample.labels.items()
        )

    def own(self) -> list[Metric]:
        """The families of this project."""
        return [family for family in self.families if family.name.startswith(PREFIX)]


def get(url: str, headers: Mapping[str, str] | None = None) -> Page:
    """The page at this address."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return Page(answer.read().decode())


def page_that(shows: Callable[[Page], bool], url: str) -> Page:
    """The first page that shows it; a server that is not there yet is waited for."""
    deadline = time.monotonic() + PATIENCE_S
    page: Page | None = None
    while time.monotonic() < deadline:
        try:
            page = get(url)
        except OSError:
            page = None
        if page and shows(page):
            return page
        time.sleep(0.1)
    raise AssertionError(f"{url} did not show it: {page and page.families}")


def port_with_free(*further: int) -> int:
    """A free port, with those that are so much further on."""
    while True:
        first = free_port()
        try:
            for step in further:
                server.check("127.0.0.1", first + step)
        except server.CannotServeMetrics:
            continue
        return first
