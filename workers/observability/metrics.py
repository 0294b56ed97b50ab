"""Every metric of the workers. All are counted per batch, take or call, never per record."""

import platform

from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram, Info

# From a bare etcd transaction (0.5 ms) to what only a server in trouble takes.
_CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# From the promise of 8 ms to a backlog of hours.
_LAG_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
          1800.0, 7200.0)  # fmt: skip

# --- The queue, as publishers and consumers see it ------------------------------------------------
MESSAGES_PUBLISHED = Counter(
    "gpu_telemetry_messages_published", "Messages that etcd has acknowledged."
)
PUBLISH_S = Histogram(
    "gpu_telemetry_publish_duration_seconds",
    "From sending a batch to etcd's acknowledgement, repeats included.",
    buckets=_CALL_S,
)
HELD_BACK_S = Counter(
    "gpu_telemetry_publish_held_back_seconds", "Time publishers waited because the queue filled."
)
BATCHES_TAKEN = Counter("gpu_telemetry_batches_taken", "Batches read from the queue.")
MESSAGES_TAKEN = Counter("gpu_telemetry_messages_taken", "Messages read from the queue.")
TAKEN_BYTES = Counter("gpu_telemetry_messages_taken_bytes", "Bytes of their values.")
TAKE_S = Histogram(
    "gpu_telemetry_take_duration_seconds", "Reading one take from etcd.", buckets=_CALL_S
)
BATCHES_ACKNOWLEDGED = Counter("gpu_telemetry_batches_acknowledged", "Batches off the queue.")
MESSAGES_ACKNOWLEDGED = Counter("gpu_telemetry_messages_acknowledged", "Messages off the queue.")
ACKNOWLEDGE_S = Histogram(
    "gpu_telemetry_acknowledge_duration_seconds", "Deleting stored batches from etcd.",
    buckets=_CALL_S,
)  # fmt: skip
BATCHES_RELEASED = Counter(
    "gpu_telemetry_batches_released", "Batches given back, to be delivered again."
)
BATCHES_ADOPTED = Counter(
    "gpu_telemetry_batches_adopted", "Batches taken over from a collector without progress."
)

# --- etcd -----------------------------------------------------------------------------------------
ETCD_ERRORS = Counter(
    "gpu_telemetry_etcd_errors", "Calls to etcd that failed, by class; most are repeated.",
    ["error"],
)  # fmt: skip
ETCD_IN_USE_BYTES = Gauge(
    "gpu_telemetry_etcd_store_in_use_bytes", "What etcd's store occupies, without freed space."
)
ETCD_QUOTA_BYTES = Gauge("gpu_telemetry_etcd_quota_bytes", "ETCD_QUOTA_BYTES of this process.")
ETCD = Info("gpu_telemetry_etcd", "The version of the etcd that answered last.")
ETCD_COMPACTIONS = Counter("gpu_telemetry_etcd_compactions", "Compactions asked for.")
ETCD_DEFRAGMENTATIONS = Counter("gpu_telemetry_etcd_defragmentations", "Members defragmented.")

# --- Storing --------------------------------------------------------------------------------------
RECORDS_STORED = Counter("gpu_telemetry_records_stored", "Records committed to PostgreSQL.")
RECORDS_MERGED = Counter(
    "gpu_telemetry_records_merged", "Of them, records of a sample that was there already."
)
GPUS_REGISTERED = Counter("gpu_telemetry_gpus_registered", "GPUs made or brought up to date.")
DEAD_LETTERS = Counter("gpu_telemetry_dead_letters", "Messages kept as dead letters.")
DECODE_S = Histogram(
    "gpu_telemetry_decode_duration_seconds", "Decoding the messages of one take.", buckets=_CALL_S
)
STORE_S = Histogram(
    "gpu_telemetry_store_duration_seconds", "One attempt to store, until the commit.",
    buckets=_CALL_S,
)  # fmt: skip
STORE_RETRIES = Counter(
    "gpu_telemetry_store_retries", "Attempts to store that were repeated, by whose fault it was.",
    ["fault"],
)  # fmt: skip
LAG_S = Histogram(
    "gpu_telemetry_commit_lag_seconds", "From publishing a batch to its commit.", buckets=_LAG_S
)
STORED_AT = Gauge("gpu_telemetry_last_commit_timestamp_seconds", "Unix time of the last commit.")

# --- Sources --------------------------------------------------------------------------------------
ROWS_READ = Counter("gpu_telemetry_rows_read", "Rows read from sources.")
ROWS_REJECTED = Counter("gpu_telemetry_rows_rejected", "Of them, rows that cannot be used.")
SOURCE_FAILURES = Counter("gpu_telemetry_source_failures", "Sources that could not be read.")

BUILD = Info("gpu_telemetry_build", "What runs here.")
BUILD.info({"version": settings.VERSION, "python": platform.python_version()})
