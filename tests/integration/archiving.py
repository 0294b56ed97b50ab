"""A past day with samples, to be archived; nothing of it is left behind."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection

from apps.telemetry import partitions
from apps.telemetry.ingest import store
from apps.telemetry.partition_list import attached
from apps.telemetry.rollups import HOUR, MINUTE
from tests.integration.records import record

DAY = date(2024, 3, 9)
NEXT = DAY + timedelta(days=1)


def at(second: float, day: date = DAY) -> datetime:
    """So many seconds after the noon of the day."""
    return datetime.combine(day, time(12), tzinfo=UTC) + timedelta(seconds=second)


def fill(gpus: int, seconds: int, day: date = DAY, cluster: str = "lab", **fields: Any) -> None:
    """Store a sample per GPU and second, each with values of its own."""
    records = [
        record(
            gpu, 0, timestamp=at(second, day),
            **{"power_draw": 100 + gpu + second / 1000, "temperature": 40 + second % 9,
               "energy_consumption_mj": 10**12 + 7 * second, "xid_error": 0,
               "row_remap_failed": 0, "gpu_utilization": 0.1 * (second % 1000),
               "extra": {"pod": f"p-{gpu}"} if gpu else None} | fields,
        )
        for gpu in range(gpus) for second in range(seconds)
    ]  # fmt: skip
    store(cluster, records)


def drop_partitions() -> None:
    """Drop every partition of samples and of what they amount to, and what was detached."""
    with connection.cursor() as cursor:
        for table in (partitions.TABLE, MINUTE.table, HOUR.table):
            for partition in attached(table):
                cursor.execute(f"DROP TABLE {partition.name}")
        cursor.execute(f"DROP TABLE IF EXISTS {partitions.partition_name(DAY)}_gone")
    partitions.forget()
    MINUTE.partitions.forget()
    HOUR.partitions.forget()
