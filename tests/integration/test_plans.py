"""No statement of the read model goes through a whole partition of samples or roll-ups.

Each is planned as the gateway's connections plan it, once for all parameters, over so many rows
that PostgreSQL takes an index if there is one to take.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from apps.telemetry import queries
from apps.telemetry.ingest import store
from apps.telemetry.models import RollupWatermark
from apps.telemetry.partitions import SAMPLES
from apps.telemetry.queries import Buckets, GpuChoice, Order, batched, batched_buckets, slices
from apps.telemetry.rollups import HOUR, MINUTE
from tests.integration.archiving import drop_partitions
from tests.integration.records import START, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

GPUS = 40
DAYS = [START.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(n) for n in range(2)]
END = DAYS[-1] + timedelta(days=1)
# Of each table from when to END, and how far apart the rows of a GPU are.
ROWS = [
    (SAMPLES, DAYS[0], "2 minutes"),
    (MINUTE.partitions, DAYS[0], "1 minute"),
    (HOUR.partitions, END - timedelta(days=30), "1 hour"),
]
ONE = GpuChoice(uuid="GPU-0001")
HOST = GpuChoice(hostname="host-1")
UUIDS = ["GPU-0001", "GPU-0009"]
WINDOW: dict[str, Any] = {
    "start": DAYS[0] + timedelta(hours=3, minutes=1),
    "end": END - timedelta(hours=2),
}
PART: dict[str, Any] = {"start": END - timedelta(hours=3), "end": END}
HOURS: dict[str, Any] = {"start": END - timedelta(days=29), "end": END}
CURSOR = queries.Cursor(DAYS[0] + timedelta(hours=9))
FLEET_CURSOR = queries.FleetCursor(DAYS[0] + timedelta(hours=9), 3)

READS = {
    "a page of one GPU": lambda: queries.gpu_telemetry_json("GPU-0001"),
    "its newest": lambda: queries.gpu_telemetry_json("GPU-0001", order=Order.DESC),
    "its page of a window": lambda: queries.gpu_telemetry_json("GPU-0001", **WINDOW, cursor=CURSOR),
    "a page of the fleet": lambda: queries.fleet_telemetry_json(GpuChoice(), **PART),
    "its next": lambda: queries.fleet_telemetry_json(HOST, **WINDOW, cursor=FLEET_CURSOR),
    "minutes of one GPU": lambda: queries.buckets_json(Buckets(ONE, MINUTE.step, **PART)),
    "minutes of a host": lambda: queries.buckets_json(
        Buckets(HOST, MINUTE.step, **PART), cursor=FLEET_CURSOR
    ),
    "hours of one GPU": lambda: queries.buckets_json(Buckets(ONE, HOUR.step, **HOURS)),
    "hours of a host": lambda: queries.buckets_json(Buckets(HOST, HOUR.step, **HOURS)),
    "all minutes of one GPU": lambda: queries.buckets_json(
        Buckets(ONE, MINUTE.step, **PART), limit=10_000
    ),
    "all hours of a host": lambda: queries.buckets_json(
        Buckets(HOST, HOUR.step, **HOURS), limit=10_000
    ),
    "the rows of hours": lambda: queries.counted(Buckets(HOST, HOUR.step, **HOURS), at_most=1000),
    "what a window holds": lambda: queries.extent(ONE, **WINDOW, at_most=1000),
    "summaries": lambda: queries.summaries(UUIDS, **WINDOW, metrics=["power_draw", "xid_error"]),
    "excerpts of some GPUs": lambda: batched.telemetry_of(UUIDS, batched.Excerpt(**WINDOW)),
    "minutes of some GPUs": lambda: batched_buckets.buckets_of(
        UUIDS, batched.Excerpt(**PART), MINUTE.step
    ),
}
WITHOUT_HISTORY = {
    "the latest": queries.latest_json,
    "the latest of a host": lambda: queries.latest_json(HOST),
    "totals": queries.stats_json,
    "slices of hosts": lambda: slices.slices(
        slices.Selection(slices.Listing.HOSTS), slices.Span(limit=10)
    ),
    "slices of GPUs": lambda: slices.slices(
        slices.Selection(slices.Listing.GPUS), slices.Span(limit=10)
    ),
}


@pytest.fixture
def history() -> Iterator[None]:
    """Rows of every table, known to the planner; connections plan as the gateway's do."""
    drop_partitions()  # empty ones of earlier tests are scanned, and rightly so
    store("lab", [record(gpu, 0, power_draw=1.0) for gpu in range(GPUS)])
    with connection.cursor() as cursor:
        for partitions, start, step in ROWS:
            days = (END - start).days
            partitions.ensure([(start + timedelta(days=n)).date() for n in range(days)])
            cursor.execute(f"TRUNCATE {partitions.table}")
            cursor.execute(_FILL[partitions is SAMPLES].format(table=partitions.table, step=step),
                           [start, END - timedelta.resolution])  # fmt: skip
            cursor.execute(f"ANALYZE {partitions.table}")
        cursor.execute("ANALYZE telemetry_gpu, telemetry_host, telemetry_latestsample")
        cursor.execute("DELETE FROM telemetry_touched_1m")
        for level, before in ((MINUTE, timedelta(minutes=30)), (HOUR, timedelta(hours=1))):
            RollupWatermark.objects.create(resolution=level.name, complete_until=END - before)
        cursor.execute("SET plan_cache_mode = force_generic_plan")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ALL")
    drop_partitions()


_FROM = """
  FROM telemetry_gpu gpu, generate_series(%s::timestamptz, %s, interval '{step}') at
 ORDER BY at, gpu.id
"""
_FILL = {
    True: "INSERT INTO {table} (gpu_id, timestamp, power_draw) SELECT gpu.id, at, 1" + _FROM,
    False: "INSERT INTO {table} (gpu_id, timestamp, count, first_at, last_at)"
    " SELECT gpu.id, at, 6, at, at" + _FROM,
}


@contextmanager
def statements() -> Iterator[list[tuple[str, dict[str, object]]]]:
    """What is asked of PostgreSQL meanwhile."""
    found: list[tuple[str, dict[str, object]]] = []

    def note(execute, sql, parameters, many, context):
        found.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        yield found


def plan_of(sql, parameters):
    """The nodes of the plan that serves every value of the parameters."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    for place, name in enumerate(names, start=1):
        sql = sql.replace(f"%({name})s", f"${place}")
    values = psycopg.sql.SQL(", ").join(psycopg.sql.Literal(parameters[name]) for name in names)
    execute = psycopg.sql.SQL("EXECUTE planned ({})" if names else "EXECUTE planned").format(values)
    server = connection.connection
    server.execute("PREPARE planned AS " + sql.replace("%%", "%"))
    try:
        explain = psycopg.sql.SQL("EXPLAIN (FORMAT JSON) ") + execute
        row = server.execute(explain).fetchone()
    finally:
        server.execute("DEALLOCATE planned")
    found = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return list(nodes(found[0]["Plan"]))


def nodes(node):
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def scans(read):
    """(kind of scan, table) of every look into history, in all statements of a read."""
    with statements() as asked:
        read()
    assert asked
    return {
        (node["Node Type"], node["Relation Name"])
        for sql, parameters in asked
        for node in plan_of(sql, parameters)
        if node.get("Relation Name", "").startswith(("telemetry_sample", "telemetry_rollup_"))
    }


def test_history_is_read_by_its_indexes(history):
    for name, read in READS.items():
        found = scans(read)
        assert found, name
        assert not {table for kind, table in found if kind == "Seq Scan"}, name


def test_the_newest_and_the_inventory_do_not_look_into_history(history):
    for name, read in WITHOUT_HISTORY.items():
        assert not scans(read), name


def test_a_read_without_its_index_would_be_noticed(history):
    with connection.cursor() as cursor:
        for scan in ("indexscan", "indexonlyscan", "bitmapscan"):
            cursor.execute(f"SET enable_{scan} = off")
    for name, read in READS.items():
        assert {kind for kind, _ in scans(read)} == {"Seq Scan"}, name
