"""The PostgreSQL channel on which every commit of samples is announced."""

# Listeners get {"cluster": slug, "timestamp": newest stored, "records": count} per transaction.
CHANNEL = "telemetry_samples"
