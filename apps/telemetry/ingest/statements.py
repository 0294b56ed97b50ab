"""The SQL that stores samples. Every column name comes from the registry."""

from apps.telemetry.ingest.rows import COLUMNS
from apps.telemetry.metrics import METRIC_NAMES

_columns = ", ".join(COLUMNS)
_values = ", ".join(f"s.{name}" for name in COLUMNS)
_replaced = ", ".join(f"{name} = excluded.{name}" for name in ("timestamp", *METRIC_NAMES, "extra"))
_merged = ", ".join(
    [f"{name} = coalesce(excluded.{name}, s.{name})" for name in METRIC_NAMES]
    + ["extra = coalesce(s.extra || excluded.extra, excluded.extra, s.extra)"]
)

COPY_SAMPLES = f"COPY telemetry_sample ({_columns}) FROM STDIN (FORMAT binary)"

CREATE_STAGING = "CREATE TEMPORARY TABLE telemetry_staging (LIKE telemetry_sample)"
COPY_STAGING = f"COPY telemetry_staging ({_columns}) FROM STDIN (FORMAT binary)"
COUNT_STORED = """
SELECT count(*) FROM telemetry_staging JOIN telemetry_sample USING (gpu_id, timestamp)
"""
# In the order of COPY, so that two writers of the same keys wait for each other.
MERGE_STAGING = f"""
INSERT INTO telemetry_sample AS s ({_columns})
SELECT {_columns} FROM telemetry_staging
 ORDER BY (timestamp AT TIME ZONE 'UTC')::date, gpu_id, timestamp
ON CONFLICT (gpu_id, timestamp) DO UPDATE SET {_merged}
"""
DROP_STAGING = "DROP TABLE telemetry_staging"

# Copies the rows just stored, for they hold what earlier records of that instant said too. The
# bounds let PostgreSQL plan for these days alone, OFFSET 0 keeps it at one index probe per GPU.
# In the order of the key, so that collectors wait for each other rather than deadlock. A GPU that
# was deleted must fail here and not at commit (Django's foreign keys are deferred).
UPDATE_LATEST = f"""
SET CONSTRAINTS ALL IMMEDIATE;
WITH latest AS (
    INSERT INTO telemetry_latestsample AS latest ({_columns})
    SELECT {_values}
      FROM unnest(%(gpu_ids)s::integer[], %(timestamps)s::timestamptz[]) AS newest (gpu_id, at),
           LATERAL (SELECT * FROM telemetry_sample sample
                     WHERE sample.gpu_id = newest.gpu_id AND sample.timestamp = newest.at
                       AND sample.timestamp BETWEEN %(oldest)s AND %(newest)s OFFSET 0) s
     ORDER BY s.gpu_id
    ON CONFLICT (gpu_id) DO UPDATE SET {_replaced}
     WHERE excluded.timestamp >= latest.timestamp
)
SELECT pg_notify(%(channel)s, %(payload)s)
"""
