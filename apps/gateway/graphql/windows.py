"""A window of telemetry of many GPUs: how finely it is answered, and whether that is too much."""

from datetime import datetime

from apps.gateway.graphql.peers import Reader
from apps.gateway.graphql.refusals import refusal
from apps.telemetry import queries
from apps.telemetry.queries import GpuChoice, Resolution
from apps.telemetry.queries.batched import Excerpt
from apps.telemetry.queries.resolution import Extent


def resolve(reader: Reader, uuids: list[str], excerpt: Excerpt, asked: Resolution) -> Resolution:
    """The resolution to answer with; `auto` is the finest whose rows are within the limit.

    Raises a refusal for more samples than one answer may be made of.
    """
    if asked is Resolution.RAW:
        return asked
    extent = _extent(reader, uuids, excerpt.start, excerpt.end)
    if asked is Resolution.AUTO:
        most = excerpt.limit * max(1, extent.gpus)
        asked = queries.resolution_for(extent, most, most)
    if asked is not Resolution.RAW:
        _check(extent)
    return asked


def check_aggregated(
    reader: Reader, uuids: list[str], start: datetime | None, end: datetime | None
) -> None:
    """Raise a refusal for a window of more samples than one answer may be made of."""
    _check(_extent(reader, uuids, start, end))


def _extent(
    reader: Reader, uuids: list[str], start: datetime | None, end: datetime | None
) -> Extent:
    choice = GpuChoice(uuids=uuids, clusters=reader.clusters)
    at_most = queries.MAX_AGGREGATED + 1
    return reader.read(queries.extent, choice, start=start, end=end, at_most=at_most)


def _check(extent: Extent) -> None:
    most = queries.MAX_AGGREGATED
    if extent.samples > most:
        detail = f"the window holds more than {most:,} samples of these GPUs; narrow it."
        raise refusal(400, f"start: {detail}", "start")
