"""What a supervisor tells Prometheus."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge

DECISIONS = Counter(
    "gpu_telemetry_scaling_decisions", "Changes of the targets that this supervisor decided on."
)
TARGET = Gauge(
    "gpu_telemetry_scaling_target", "How many the whole group shall run, by role.", ["role"]
)


def count_decision() -> None:
    """Count one change of the targets."""
    DECISIONS.inc()


def show_targets(targets: Mapping[str, int]) -> None:
    """Show the group's targets by role."""
    for role, target in targets.items():
        TARGET.labels(role).set(target)
