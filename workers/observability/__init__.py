"""What workers tell Prometheus: `metrics` defines it, `server` serves it, docs/metrics.md lists it.

Metrics live in prometheus-client's default registry: one page per process.
"""
