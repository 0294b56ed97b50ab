"""What live sampling tells Prometheus; counted per sample, never per record."""

from prometheus_client import Counter, Gauge, Histogram

SAMPLES = Counter("gpu_telemetry_live_samples", "Samples taken of live sources.")
FAILURES = Counter(
    "gpu_telemetry_live_failures", "Samples that failed: nothing was sent for their GPUs."
)
MISSED = Counter(
    "gpu_telemetry_live_missed", "Ticks passed over because the sample before was not done."
)
SOURCES = Gauge("gpu_telemetry_live_sources", "Live sources that this process knows.")
DOWN = Gauge("gpu_telemetry_live_sources_down", "Those of them that do not answer.")
SAMPLE_S = Histogram(
    "gpu_telemetry_live_sample_duration_seconds", "Asking one live source and reading the answer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)  # fmt: skip
