"""The columns of a roll-up row: for every metric of the registry, what its kind is summed up to.

`{metric}_{statistic}`. For a counter, `increase` is what it grew by within the bucket, from `first`
(at `first_at`) to `last`, and what lies between two buckets is the difference of their `last` and
`first`: so a row is made of its own bucket's samples and nothing else, and late data change that
row alone.
"""

from apps.telemetry.metrics import METRICS, Kind, Metric, Storage

STATISTICS: dict[Kind, tuple[str, ...]] = {
    Kind.GAUGE: ("count", "min", "max", "avg", "last"),
    Kind.FLAG: ("count", "min", "max", "avg", "last"),
    Kind.COUNTER: ("count", "first", "first_at", "last", "last_at", "increase"),
    Kind.CODE: ("count", "max", "last"),
    Kind.BITMASK: ("count", "any", "last"),
}

# Of the bucket's samples, whatever they report. `power_energy_wh` is the power's integral over the
# time between the first and the last of them.
ROW_COLUMNS = ("count", "first_at", "last_at", "power_energy_wh")


def metric_columns(metric: Metric) -> list[str]:
    """The names of a metric's columns."""
    return [f"{metric.name}_{statistic}" for statistic in STATISTICS[metric.kind]]


def column_type(metric: Metric, statistic: str) -> str:
    """The PostgreSQL type of a statistic's column."""
    if statistic == "count":
        return "integer"
    if statistic in ("first_at", "last_at"):
        return "timestamp with time zone"
    if statistic == "avg" and metric.is_integer:
        return Storage.REAL.value
    return metric.storage.value


COLUMNS: tuple[str, ...] = (
    "gpu_id",
    "timestamp",
    *ROW_COLUMNS,
    *(column for metric in METRICS for column in metric_columns(metric)),
)
