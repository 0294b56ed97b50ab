"""How far roll-ups can be relied on for the GPUs of a question."""

from datetime import UTC, datetime, time, timedelta

from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.segments import NEVER, Edges
from apps.telemetry.rollups.levels import HOUR, MINUTE

# A mark says that its bucket is older than its samples; it is gone once the bucket is made anew.
_EDGES = f"""
WITH gpu AS MATERIALIZED (SELECT gpu.id FROM {{gpus}} WHERE true {{conditions}}),
level AS MATERIALIZED (
  SELECT max(complete_until) FILTER (WHERE resolution = '{MINUTE.name}') AS minutes,
         max(complete_until) FILTER (WHERE resolution = '{HOUR.name}') AS hours
    FROM telemetry_rollupwatermark
), touched AS MATERIALIZED (
  SELECT (SELECT min(bucket) FROM {MINUTE.touched} WHERE bucket < level.minutes
             AND EXISTS (SELECT 1 FROM gpu WHERE gpu_ids @> gpu.id)) AS minute,
         (SELECT min(bucket) FROM {HOUR.touched} WHERE bucket < level.hours
             AND EXISTS (SELECT 1 FROM gpu WHERE gpu_ids @> gpu.id)) AS hour
    FROM level
)
SELECT least(level.minutes, touched.minute),
       least(level.hours, touched.hour, date_bin('1 hour', touched.minute, 'epoch')),
       (SELECT max(day) FROM telemetry_sealedday)
  FROM level, touched
"""


def edges(choice: GpuChoice) -> Edges:
    """Which roll-ups of these GPUs are exact at this moment."""
    statement = _EDGES.format(gpus=GPUS, conditions=choice.conditions)
    row = fetch_one(statement, choice.parameters)
    assert row is not None, "an aggregate has one row"
    minutes, hours, sealed = row
    return Edges(
        minutes=minutes or NEVER,
        hours=hours or NEVER,
        samples_from=NEVER if sealed is None else _end_of(sealed),
    )


def _end_of(day: datetime) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=1)
