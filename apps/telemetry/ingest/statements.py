"""The SQL that stores samples. Every column name comes from the registry."""

from apps.telemetry.ingest.rows import COLUMNS
from apps.telemetry.rollups import MINUTE

_columns = ", ".join(COLUMNS)
_metrics = COLUMNS[2:-1]
_stored = ", ".join(f"s.{name}" for name in COLUMNS[2:])
_merged = ", ".join(
    [f"coalesce(excluded.{name}, s.{name})" for name in _metrics]
    + ["coalesce(s.extra || excluded.extra, excluded.extra, s.extra)"]
)
_newer = ", ".join(
    f"{name} = CASE WHEN excluded.timestamp >= latest.timestamp"
    f" THEN excluded.{name} ELSE latest.{name} END"
    for name in (*COLUMNS[1:], "changed_in")
)

# A batch holds a GPU's next few samples, so the time it covers over their number is the interval.
# Bounded, or the first samples after a silence of days would make the GPU look that slow.
_GAP_S = "extract(epoch FROM excluded.timestamp - latest.timestamp)::real / excluded.sample_count"
_interval = f"""CASE
    WHEN excluded.timestamp <= latest.timestamp OR excluded.sample_count = 0 THEN latest.interval_s
    WHEN latest.interval_s IS NULL THEN least({_GAP_S}, 3600)
    ELSE 0.7 * latest.interval_s + 0.3 * least({_GAP_S}, 4 * latest.interval_s + 1) END"""

COPY_SAMPLES = f"COPY telemetry_sample ({_columns}) FROM STDIN (FORMAT binary)"

CREATE_STAGING = "CREATE TEMPORARY TABLE telemetry_staging (LIKE telemetry_sample)"
COPY_STAGING = f"COPY telemetry_staging ({_columns}) FROM STDIN (FORMAT binary)"
_FROM_STAGING = f"""
INSERT INTO telemetry_sample AS s ({_columns})
SELECT {_columns} FROM telemetry_staging
 ORDER BY (timestamp AT TIME ZONE 'UTC')::date, gpu_id, timestamp
ON CONFLICT (gpu_id, timestamp)"""
# First what is new, which must be counted exactly, then what adds to a row that exists. Both in
# the order of COPY, so that two writers of the same keys wait for each other.
INSERT_NEW = f"""
WITH inserted AS ({_FROM_STAGING} DO NOTHING RETURNING gpu_id)
SELECT gpu_id, count(*) FROM inserted GROUP BY gpu_id
"""
MERGE_REST = f"""{_FROM_STAGING} DO UPDATE SET ({", ".join(COLUMNS[2:])}) = ROW ({_merged})
 WHERE ({_stored}) IS DISTINCT FROM ({_merged})
"""
DROP_STAGING = "DROP TABLE telemetry_staging"

# Copies the rows just stored, for they hold what earlier records of that instant said too. By the
# bounds PostgreSQL leaves out other days, OFFSET 0 keeps it at one index probe per GPU.
# In the order of the key, so that collectors wait for each other rather than deadlock. The minutes
# touched are marked in the same breath, to be rolled up. Whether a GPU was deleted meanwhile, the
# commit tells (Django's foreign keys are deferred).
UPDATE_LATEST = f"""
WITH latest AS (
    INSERT INTO telemetry_latestsample AS latest ({_columns}, sample_count)
    SELECT s.gpu_id, s.timestamp, {_stored}, batch.added
      FROM unnest(%(gpu_ids)s::integer[], %(newest)s::timestamptz[], %(added)s::integer[])
           AS batch (gpu_id, newest, added),
           LATERAL (SELECT * FROM telemetry_sample sample
                     WHERE sample.gpu_id = batch.gpu_id AND sample.timestamp = batch.newest
                       AND sample.timestamp BETWEEN %(from)s::timestamptz AND %(to)s::timestamptz
                    OFFSET 0) s
     ORDER BY s.gpu_id
    ON CONFLICT (gpu_id) DO UPDATE
    SET sample_count = latest.sample_count + excluded.sample_count,
        interval_s = {_interval}, {_newer}
     WHERE excluded.timestamp >= latest.timestamp OR excluded.sample_count > 0
), touched AS (
    INSERT INTO {MINUTE.touched} (bucket, gpu_ids)
    SELECT * FROM unnest(%(minutes)s::timestamptz[], %(touched)s::int4multirange[])
)
SELECT pg_notify(%(channel)s::text, %(payload)s::text)
"""
