"""What reading costs, as the gateway reads; import it after django.setup()."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median

from django.db import connection

from apps.telemetry import queries
from apps.telemetry.queries import Buckets, GpuChoice, Order, Resolution
from benchmarks.history_load import uuid_of

TIMES = 30
# What auto aims at and how far it goes, as in REST.
POINTS, MOST = 1000, 4000
# Of a host at 1 h: everything in one answer.
WHOLE = 10_000
POWER = ("power_draw",)


def median_ms(read: Callable[[], object], times: int = TIMES) -> float:
    """The median of some times, in milliseconds; the first ones, which plan, do not count."""
    for _ in range(3):
        read()
    return median(_ms(read) for _ in range(times))


def latest_100(gpu: int) -> float:
    """The newest hundred samples of one GPU, in milliseconds."""
    return median_ms(
        lambda: queries.gpu_telemetry_json(uuid_of(gpu), limit=100, order=Order.DESC), times=200
    )


def fleet_latest(columns: tuple[str, ...]) -> float:
    """The newest sample of every GPU, in milliseconds."""
    return median_ms(lambda: queries.latest_json(columns=columns))


def a_day_at_auto(gpu: int, end: datetime, columns: tuple[str, ...]) -> tuple[float, Resolution]:
    """24 h of one GPU and what they were answered in; every statement of the answer counts."""
    choice, start = GpuChoice(uuid=uuid_of(gpu)), end - timedelta(days=1)

    def resolution() -> Resolution:
        extent = queries.extent(choice, start=start, end=end, at_most=MOST + 1)
        return queries.resolution_for(extent, POINTS, MOST)

    def read() -> None:
        chosen = resolution()
        if chosen is Resolution.RAW:
            queries.gpu_telemetry_json(
                uuid_of(gpu), start=start, end=end, limit=MOST, columns=columns
            )
        else:
            step = queries.STEPS[chosen]
            _buckets(Buckets(choice, step, start, end, columns, with_place=False), MOST)

    return median_ms(read), resolution()


def month_of_a_host(end: datetime, days: int) -> float:
    """So many days of the first host, its power at 1 h, in milliseconds."""
    step, start = queries.STEPS[Resolution.HOUR], end - timedelta(days=days)
    choice = GpuChoice(hostname="node-0")
    return median_ms(lambda: _buckets(Buckets(choice, step, start, end, POWER), WHOLE))


def bytes_per_sample() -> float:
    """Of the samples' tables with their indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('telemetry_sample')"
            " WHERE isleaf"
        )
        size = int(cursor.fetchone()[0])
        cursor.execute("SELECT sum(sample_count) FROM telemetry_latestsample")
        return size / int(cursor.fetchone()[0])


def _buckets(buckets: Buckets, limit: int) -> None:
    queries.buckets_json(queries.counted(buckets, at_most=queries.MAX_AGGREGATED + 1), limit=limit)


def _ms(read: Callable[[], object]) -> float:
    started = time.perf_counter()
    read()
    return (time.perf_counter() - started) * 1000
