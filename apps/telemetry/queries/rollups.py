"""How far roll-ups can be relied on for the GPUs of a question."""

from datetime import UTC, date, datetime, time, timedelta

from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.segments import NEVER, Edges, Reach
from apps.telemetry.rollups.levels import HOUR, MINUTE, Level

# A mark says that its bucket is older than its samples; it is gone once the bucket is made anew.
_EDGES = f"""
WITH gpu AS MATERIALIZED (SELECT gpu.id FROM {{gpus}} WHERE true {{conditions}}),
level AS MATERIALIZED (
  SELECT max(complete_until) FILTER (WHERE resolution = '{MINUTE.name}') AS minutes,
         max(complete_until) FILTER (WHERE resolution = '{HOUR.name}') AS hours
    FROM telemetry_rollupwatermark
), minute AS MATERIALIZED (
  SELECT min(bucket) AS first, max(bucket) AS last FROM {MINUTE.touched}, level
   WHERE bucket < level.minutes AND EXISTS (SELECT 1 FROM gpu WHERE gpu_ids @> gpu.id)
), hour AS MATERIALIZED (
  SELECT min(bucket) AS first, max(bucket) AS last FROM {HOUR.touched}, level
   WHERE bucket < level.hours AND EXISTS (SELECT 1 FROM gpu WHERE gpu_ids @> gpu.id)
)
SELECT level.minutes, minute.first, minute.last,
       level.hours, least(hour.first, date_bin('1 hour', minute.first, 'epoch')),
       greatest(hour.last, date_bin('1 hour', minute.last, 'epoch')),
       (SELECT max(day) FROM telemetry_sealedday)
  FROM level, minute, hour
"""


def edges(choice: GpuChoice) -> Edges:
    """Which roll-ups of these GPUs are exact at this moment."""
    statement = _EDGES.format(gpus=GPUS, conditions=choice.conditions)
    row = fetch_one(statement, choice.parameters)
    assert row is not None, "it has one row"
    sealed: date | None = row[6]
    return Edges(
        minutes=_reach(MINUTE, *row[:3]),
        hours=_reach(HOUR, *row[3:6]),
        samples_from=NEVER if sealed is None else _end_of(sealed),
    )


def _reach(
    level: Level, until: datetime | None, first: datetime | None, last: datetime | None
) -> Reach:
    if first is None or last is None:
        return Reach(until or NEVER)
    return Reach(until or NEVER, (first, last + level.step))


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=1)
