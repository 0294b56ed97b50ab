"""The SQL of rolling up one slice of time: one statement, so that a slice is done or not done."""

from apps.telemetry.rollups.aggregates import Source, joins, select_list
from apps.telemetry.rollups.columns import COLUMNS
from apps.telemetry.rollups.levels import HOUR, MINUTE, Level

# The bounds let PostgreSQL plan for the slice's partitions alone.
_BUCKET = """s.timestamp >= bucket.at AND s.timestamp < bucket.at + interval '{step} seconds'
    AND s.timestamp >= %(start)s AND s.timestamp < %(end)s"""

FIRST_TOUCHED = "SELECT min(bucket) FROM {touched} WHERE bucket < %s"

# Marks and the samples that they tell of were committed together, and one snapshot sees both: who
# commits later leaves a mark of its own. Rows go in by time and GPU, as they are read for a fleet.
_ROLL_UP = """
WITH taken AS (
  DELETE FROM {touched} WHERE bucket >= %(start)s AND bucket < %(end)s RETURNING bucket, gpu_ids
), bucket AS MATERIALIZED (
  SELECT marked.bucket AS at, gpu_id
    FROM (SELECT taken.bucket, range_agg(taken.gpu_ids) AS gpu_ids FROM taken GROUP BY 1) marked,
         unnest(marked.gpu_ids) AS range,
         generate_series(lower(range), upper(range) - 1) AS gpu_id
   ORDER BY 1, 2
), written AS (
  INSERT INTO {table} AS stored ({columns})
  SELECT {values}
    FROM bucket {joins}
   WHERE a.n > 0
  ON CONFLICT (gpu_id, timestamp) DO UPDATE SET ({changed}) = ROW ({excluded})
   WHERE NOT EXISTS (SELECT 1 FROM telemetry_sealedday sealed
                      WHERE sealed.day = (stored.timestamp AT TIME ZONE 'UTC')::date)
  RETURNING gpu_id, timestamp
)
{then}
"""
_MARK_HOURS = f"""
, marked AS (
  INSERT INTO {HOUR.touched} (bucket, gpu_ids)
  SELECT date_bin('1 hour', timestamp, 'epoch'), range_agg(int4range(gpu_id, gpu_id + 1))
    FROM written GROUP BY 1
)
"""
_COUNT = "SELECT count(*) FROM written"


def _roll_up(level: Level, source: Source, then: str) -> str:
    return _ROLL_UP.format(
        touched=level.touched,
        table=level.table,
        columns=", ".join(COLUMNS),
        values=select_list(source),
        joins=joins(source),
        changed=", ".join(COLUMNS[2:]),
        excluded=", ".join(f"excluded.{name}" for name in COLUMNS[2:]),
        then=then + _COUNT,
    )


def _source(level: Level, table: str) -> Source:
    window = _BUCKET.format(step=int(level.step.total_seconds()))
    return Source(table, window, of_samples=level is MINUTE)


ROLL_UP = {
    MINUTE.name: _roll_up(MINUTE, _source(MINUTE, "telemetry_sample"), _MARK_HOURS),
    HOUR.name: _roll_up(HOUR, _source(HOUR, MINUTE.table), ""),
}

ADVANCE = """
INSERT INTO telemetry_rollupwatermark AS stored (resolution, complete_until) VALUES (%s, %s)
ON CONFLICT (resolution) DO UPDATE SET complete_until = excluded.complete_until
 WHERE stored.complete_until < excluded.complete_until
"""
