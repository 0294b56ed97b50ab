"""A fleet with a history, written by PostgreSQL itself: 1,000 GPUs, a sample a second."""

from string import Template

import psycopg

from benchmarks.bench import GPUS

# What an exporter reports; values that differ from row to row, as JSON costs by its digits.
METRICS = {
    "gpu_utilization": "(n * 7 + gpu.id) % 101",
    "memory_utilization": "(n * 3 + gpu.id) % 101",
    "temperature": "30 + (n + gpu.id) % 60",
    "power_draw": "70 + (n * 13 + gpu.id * 7) % 63000 / 100.0",
    "memory_used_mib": "(n * 17 + gpu.id) % 81007",
    "memory_free_mib": "81007 - (n * 17 + gpu.id) % 81007",
    "sm_clock_mhz": "345 + (n + gpu.id) % 1635",
    "memory_clock_mhz": "2619",
    "encoder_utilization": "0",
    "decoder_utilization": "0",
}
_COLUMNS = ", ".join(METRICS)
_FILL = f"""
INSERT INTO telemetry_cluster (slug) VALUES ('default');
INSERT INTO telemetry_host (cluster_id, hostname)
SELECT id, 'node-' || n FROM telemetry_cluster, generate_series(0, {GPUS // 8 - 1}) n;
INSERT INTO telemetry_gpu (uuid, host_id, gpu_index, device, model_name, described_at)
SELECT 'GPU-' || lpad(n::text, 8, '0') || '-86f3-7a43-b711-4771313afc50', host.id, n % 8,
       'nvidia' || n % 8, 'NVIDIA H100 80GB HBM3', now()
  FROM generate_series(0, {GPUS - 1}) n JOIN telemetry_host host ON hostname = 'node-' || n / 8;
INSERT INTO telemetry_sample (gpu_id, timestamp, {_COLUMNS})
SELECT gpu.id, date_trunc('day', now(), 'UTC') + n * interval '1 s', {", ".join(METRICS.values())}
  FROM generate_series(0, $samples - 1) n, telemetry_gpu gpu;
INSERT INTO telemetry_latestsample (gpu_id, timestamp, {_COLUMNS}, sample_count)
SELECT gpu_id, timestamp, {_COLUMNS}, $samples FROM telemetry_sample
 WHERE timestamp = date_trunc('day', now(), 'UTC') + ($samples - 1) * interval '1 s';
"""


def fill(database_url: str, samples: int) -> list[str]:
    """`samples` of each GPU from midnight on, today's partition being there; the GPUs' UUIDs."""
    with psycopg.connect(database_url, autocommit=True) as own:
        own.execute(Template(_FILL).substitute(samples=samples))
        own.execute("VACUUM ANALYZE")
        return [row[0] for row in own.execute("SELECT uuid FROM telemetry_gpu ORDER BY id")]
