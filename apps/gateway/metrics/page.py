"""GET /metrics: the requests of every worker process, and the pipeline."""

import os
from pathlib import Path
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.metrics.live import LIVE
from apps.gateway.metrics.pipeline import Pipeline
from apps.gateway.metrics.requests import REQUEST_S
from apps.gateway.metrics.shared import shared_folder

pipeline = Pipeline()


class TextAnyhow(BaseContentNegotiation):
    """The page is text whatever is accepted; errors are problem documents as everywhere."""

    def select_parser(self, _request: Request, parsers: Any) -> Any:
        """The first."""
        return parsers[0]

    def select_renderer(
        self, _request: Request, renderers: Any, _format_suffix: str | None = None
    ) -> Any:
        """The first."""
        return renderers[0], renderers[0].media_type


def forget_the_dead(folder: str) -> None:
    """A worker that was killed has no live clients any more; what it counted stays."""
    for file in Path(folder).glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]


class MetricsView(APIView):
    """Read access as for the API: figures of a fleet are no more public than its GPUs."""

    own_cluster = True
    content_negotiation_class = TextAnyhow

    @extend_schema(exclude=True)  # Prometheus's format is its own contract; see docs/metrics.md
    def get(self, request: Request) -> HttpResponse:
        """The page, in the newest format that the client accepts."""
        registry = CollectorRegistry()
        if folder := shared_folder():
            forget_the_dead(folder)
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        else:
            for metric in (REQUEST_S, *LIVE):
                registry.register(metric)
        registry.register(pipeline)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(registry), content_type=content_type)
