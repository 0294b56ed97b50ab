"""What a request for the event stream asks for."""

from typing import Annotated

import msgspec
from django.http import HttpRequest
from msgspec import Meta

from apps.gateway.live.choice import Choice, columns_of
from apps.gateway.live.cursor import Cursor
from apps.gateway.parameters import Cluster, Hostname, Metrics, Parameters, read_parameters
from apps.gateway.problems import InvalidParameter
from apps.gateway.ws.messages import MAX_INTERVAL_MS, MAX_NAMED


class Uuids:
    """GPUs by UUID, comma-separated."""

    def __init__(self, text: str) -> None:
        self.names = frozenset(text.split(","))
        if len(self.names) > MAX_NAMED:
            raise ValueError(f"it names more than {MAX_NAMED} GPUs")


class Place:
    """A cursor, as a query parameter."""

    def __init__(self, text: str) -> None:
        self.cursor = Cursor.read(text)


class StreamParameters(Parameters):
    """The filters of a subscription, as query parameters."""

    cluster: Cluster | None = None
    host: Hostname | None = None
    hostname: Hostname | None = None
    gpu_uuid: Annotated[Uuids, Meta(description="UUIDs, comma-separated.")] | None = None
    metrics: Metrics | None = None
    interval_ms: Annotated[int, Meta(ge=0, le=MAX_INTERVAL_MS)] = 0
    cursor: Annotated[Place, Meta(description="Resume from here.")] | None = None


class Wanted(msgspec.Struct, frozen=True):
    """A subscription; `cursor` is where it resumes."""

    choice: Choice
    interval_s: float
    cursor: Cursor | None


def wanted_of(request: HttpRequest, clusters: frozenset[str] | None) -> Wanted:
    """What is asked for, within these clusters. Raises InvalidParameter."""
    given = read_parameters(request.GET, StreamParameters)
    if given.host is not None and given.hostname not in {None, given.host}:
        raise InvalidParameter("host", "`hostname` is the same filter; give one.")
    choice = Choice(
        cluster=given.cluster,
        hostname=given.host if given.host is not None else given.hostname,
        uuids=given.gpu_uuid.names if given.gpu_uuid else None,
        columns=columns_of(given.metrics.names) if given.metrics else None,
        clusters=clusters,
    )
    return Wanted(choice, given.interval_ms / 1000, _cursor(request, given))


def _cursor(request: HttpRequest, given: StreamParameters) -> Cursor | None:
    """What a browser tells by itself when it reconnects is newer than the address."""
    told = request.META.get("HTTP_LAST_EVENT_ID")
    if not told:
        return given.cursor.cursor if given.cursor else None
    try:
        return Cursor.read(told)
    except ValueError as wrong:
        raise InvalidParameter("Last-Event-ID", f"{wrong}.") from wrong
