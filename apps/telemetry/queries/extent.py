"""How much a window of telemetry holds, looked up before it is answered."""

from dataclasses import replace
from datetime import datetime, timedelta

from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.resolution import Extent
from apps.telemetry.queries.rollups import edges
from apps.telemetry.queries.segments import EVER, NEVER
from apps.telemetry.queries.window import window_of
from apps.telemetry.rollups.levels import HOUR

_EXTENT = """
WITH gpu AS MATERIALIZED (SELECT gpu.id FROM {gpus} WHERE true {conditions})
SELECT (SELECT count(*) FROM gpu),
       (SELECT count(*) FROM (
          SELECT 1 FROM gpu, LATERAL (SELECT 1 FROM telemetry_sample s
                                       WHERE s.gpu_id = gpu.id {window}) s
           LIMIT %(at_most)s::integer) counted),
       (SELECT min(s.timestamp) FROM gpu, LATERAL (
          SELECT s.timestamp FROM telemetry_sample s WHERE s.gpu_id = gpu.id {window}
           ORDER BY s.timestamp LIMIT 1) s),
       (SELECT max(s.timestamp) FROM gpu, LATERAL (
          SELECT s.timestamp FROM telemetry_sample s WHERE s.gpu_id = gpu.id {window}
           ORDER BY s.timestamp DESC LIMIT 1) s)
"""
# Where the samples are gone, the hours tell.
_GONE = """
WITH gpu AS MATERIALIZED (SELECT gpu.id FROM {gpus} WHERE true {conditions})
SELECT (SELECT min(s.timestamp) FROM gpu, LATERAL (
          SELECT s.timestamp FROM telemetry_rollup_1h s WHERE s.gpu_id = gpu.id {window}
           ORDER BY s.timestamp LIMIT 1) s),
       (SELECT max(s.timestamp) FROM gpu, LATERAL (
          SELECT s.timestamp FROM telemetry_rollup_1h s WHERE s.gpu_id = gpu.id {window}
           ORDER BY s.timestamp DESC LIMIT 1) s)
"""


def extent(
    choice: GpuChoice, *, start: datetime | None, end: datetime | None, at_most: int
) -> Extent:
    """What the chosen GPUs have with `start` ≤ timestamp ≤ `end`; counted no further than told.

    A window of which samples are gone counts as the most that may be told.
    """
    statement = _EXTENT.format(
        gpus=GPUS, conditions=choice.conditions, window=window_of(start, end)
    )
    row = fetch_one(statement, choice.parameters | {"start": start, "end": end, "at_most": at_most})
    assert row is not None, "it has one row"
    found = Extent(*row)
    samples_from = edges(choice).samples_from
    if samples_from == NEVER or (start is not None and start >= samples_from):
        return found
    first_at, last_at = _gone(choice, start, min(end or EVER, samples_from - timedelta.resolution))
    if first_at is None:
        return found
    return replace(found, samples=at_most, first_at=first_at, last_at=found.last_at or last_at)


def _gone(
    choice: GpuChoice, start: datetime | None, end: datetime
) -> tuple[datetime | None, datetime | None]:
    """The first and the last hour of those that have no samples any more."""
    start = HOUR.start_of(start) if start else None
    statement = _GONE.format(gpus=GPUS, conditions=choice.conditions, window=window_of(start, end))
    row = fetch_one(statement, choice.parameters | {"start": start, "end": end})
    assert row is not None, "it has one row"
    return row[0], row[1]
