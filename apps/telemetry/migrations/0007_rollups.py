"""Roll-ups per minute and hour, the marks of what is to be rolled up, and how far they are complete."""

import django.db.models.deletion
from django.db import migrations, models

# name, type, type of the average
GAUGES = [
    ("gpu_utilization", "real", "real"),
    ("memory_utilization", "real", "real"),
    ("temperature", "real", "real"),
    ("power_draw", "double precision", "double precision"),
    ("memory_used_mib", "real", "real"),
    ("memory_free_mib", "real", "real"),
    ("sm_clock_mhz", "real", "real"),
    ("memory_clock_mhz", "real", "real"),
    ("encoder_utilization", "real", "real"),
    ("decoder_utilization", "real", "real"),
    ("memory_temperature", "real", "real"),
    ("row_remap_failed", "smallint", "real"),
    ("row_remap_pending", "smallint", "real"),
]
COUNTERS = [
    "energy_consumption_mj",
    "pcie_replay_total",
    "row_remap_correctable_total",
    "row_remap_uncorrectable_total",
    "ecc_sbe_volatile_total",
    "ecc_dbe_volatile_total",
    "ecc_sbe_aggregate_total",
    "ecc_dbe_aggregate_total",
]


def metric_columns():
    """Wide columns first: no padding between them."""
    columns = []
    for name in COUNTERS:
        columns += [f"{name}_{part} bigint" for part in ("first", "last", "increase")]
        columns += [f"{name}_{part} timestamptz" for part in ("first_at", "last_at")]
    columns += [f"xid_error_{part} bigint" for part in ("max", "last")]
    columns += [f"clock_event_reasons_{part} bigint" for part in ("any", "last")]
    for name, kind, average in GAUGES:
        columns += [f"{name}_{part} {kind}" for part in ("min", "max", "last")]
        columns.append(f"{name}_avg {average}")
    for name in [*(name for name, _, _ in GAUGES), *COUNTERS, "xid_error", "clock_event_reasons"]:
        columns.append(f"{name}_count integer")
    width = {"smallint": 2, "integer": 4, "real": 4}
    return sorted(columns, key=lambda column: -width.get(column.split()[1], 8))


def create_rollup(table):
    return f"""
        CREATE TABLE {table} (
            "timestamp" timestamptz NOT NULL,
            first_at timestamptz NOT NULL,
            last_at timestamptz NOT NULL,
            power_energy_wh double precision,
            gpu_id integer NOT NULL,
            count integer NOT NULL,
            {", ".join(metric_columns())},
            PRIMARY KEY (gpu_id, "timestamp")
        ) PARTITION BY RANGE ("timestamp")
    """


def create_touched(table):
    return f"""
        CREATE TABLE {table} (bucket timestamptz NOT NULL, gpu_ids int4multirange NOT NULL);
        CREATE INDEX {table}_bucket ON {table} (bucket)
    """


# Samples that were there before: every minute of every day that has a partition, for every GPU.
MARK_EVERYTHING = """
INSERT INTO telemetry_touched_1m (bucket, gpu_ids)
SELECT minute, int4multirange(int4range(gpu.first, gpu.last, '[]'))
  FROM (SELECT min(id) AS first, max(id) AS last FROM telemetry_gpu HAVING count(*) > 0) gpu,
       pg_inherits,
       to_timestamp(right(inhrelid::regclass::text, 8) || 'Z', 'YYYYMMDDTZH') AS day,
       generate_series(day, day + interval '24 hours' - interval '1 minute', interval '1 minute')
       AS minute
 WHERE inhparent = 'telemetry_sample'::regclass
   AND minute <= (SELECT max(timestamp) FROM telemetry_latestsample)
"""


def rollup(name, table):
    return migrations.RunSQL(
        create_rollup(table),
        f"DROP TABLE {table}",
        state_operations=[
            migrations.CreateModel(
                name=name,
                fields=[
                    ("pk", models.CompositePrimaryKey("gpu_id", "timestamp", blank=True, editable=False, primary_key=True, serialize=False)),
                    ("gpu", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="telemetry.gpu")),
                    ("timestamp", models.DateTimeField()),
                    ("count", models.IntegerField()),
                    ("first_at", models.DateTimeField()),
                    ("last_at", models.DateTimeField()),
                    ("power_energy_wh", models.FloatField(null=True)),
                ],
                options={"db_table": table},
            ),
        ],
    )  # fmt: skip


def touched(name, table):
    return migrations.RunSQL(
        create_touched(table),
        f"DROP TABLE {table}",
        state_operations=[
            migrations.CreateModel(
                name=name,
                fields=[("bucket", models.DateTimeField(primary_key=True, serialize=False))],
                options={"db_table": table},
            ),
        ],
    )


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0006_periodic")]

    operations = [
        migrations.CreateModel(
            name="RollupWatermark",
            fields=[
                ("resolution", models.CharField(max_length=8, primary_key=True, serialize=False)),
                ("complete_until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SealedDay",
            fields=[("day", models.DateField(primary_key=True, serialize=False))],
        ),
        rollup("MinuteRollup", "telemetry_rollup_1m"),
        rollup("HourRollup", "telemetry_rollup_1h"),
        touched("TouchedMinute", "telemetry_touched_1m"),
        touched("TouchedHour", "telemetry_touched_1h"),
        migrations.RunSQL(MARK_EVERYTHING, migrations.RunSQL.noop),
    ]
