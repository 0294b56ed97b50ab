"""How much a window of telemetry holds, looked up before it is answered."""

from dataclasses import replace
from datetime import datetime, timedelta

from apps.telemetry.queries.archived_count import archived_span
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

_LOST = """
SELECT EXISTS (SELECT 1 FROM telemetry_sealedday sealed
                WHERE (%(start)s::timestamptz IS NULL
                       OR sealed.day >= (%(start)s::timestamptz AT TIME ZONE 'UTC')::date)
                  AND sealed.day <= (%(end)s::timestamptz AT TIME ZONE 'UTC')::date
                  AND NOT EXISTS (SELECT 1 FROM telemetry_archivedday archived
                                   WHERE archived.date = sealed.day AND archived.state = 'alone'))
"""


def extent(
    choice: GpuChoice, *, start: datetime | None, end: datetime | None, at_most: int
) -> Extent:
    """What the chosen GPUs have with `start` ≤ timestamp ≤ `end`; counted no further than told.

    Archived samples count as any. A window of which samples are nowhere any more counts as the most
    that may be told. Raises ArchiveFailed.
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
    archived = archived_span(choice, start, end, at_most=at_most)
    found = _joined(found, archived.samples, archived.first_at, archived.last_at, at_most)
    before = min(end or EVER, samples_from - timedelta.resolution)
    if not _are_lost(start, before):
        return found
    return _joined(found, at_most, *_gone(choice, start, before), at_most)


def _joined(
    found: Extent, samples: int, first_at: datetime | None, last_at: datetime | None, at_most: int
) -> Extent:
    if first_at is None or last_at is None:
        return found
    return replace(
        found,
        samples=min(found.samples + samples, at_most),
        first_at=min(found.first_at or first_at, first_at),
        last_at=max(found.last_at or last_at, last_at),
    )


def _are_lost(start: datetime | None, end: datetime) -> bool:
    """Whether a day lies between whose samples went without being archived."""
    row = fetch_one(_LOST, {"start": start, "end": end})
    assert row is not None, "it has one row"
    return bool(row[0])


def _gone(
    choice: GpuChoice, start: datetime | None, end: datetime
) -> tuple[datetime | None, datetime | None]:
    """The first and the last hour of those that have no samples any more."""
    start = HOUR.start_of(start) if start else None
    statement = _GONE.format(gpus=GPUS, conditions=choice.conditions, window=window_of(start, end))
    row = fetch_one(statement, choice.parameters | {"start": start, "end": end})
    assert row is not None, "it has one row"
    return row[0], row[1]
