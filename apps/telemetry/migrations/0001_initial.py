"""The inventory, the samples (partitioned by day) and the latest sample of each GPU."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from apps.telemetry.models.fields import RealField

METRIC_COLUMNS = [
    ("gpu_utilization", RealField(null=True)),
    ("memory_utilization", RealField(null=True)),
    ("temperature", RealField(null=True)),
    ("power_draw", models.FloatField(null=True)),
    ("memory_used_mib", RealField(null=True)),
    ("memory_free_mib", RealField(null=True)),
    ("sm_clock_mhz", RealField(null=True)),
    ("memory_clock_mhz", RealField(null=True)),
    ("encoder_utilization", RealField(null=True)),
    ("decoder_utilization", RealField(null=True)),
    ("memory_temperature", RealField(null=True)),
    ("energy_consumption_mj", models.BigIntegerField(null=True)),
    ("xid_error", models.BigIntegerField(null=True)),
    ("clock_event_reasons", models.BigIntegerField(null=True)),
    ("pcie_replay_total", models.BigIntegerField(null=True)),
    ("row_remap_correctable_total", models.BigIntegerField(null=True)),
    ("row_remap_uncorrectable_total", models.BigIntegerField(null=True)),
    ("row_remap_failed", models.SmallIntegerField(null=True)),
    ("row_remap_pending", models.SmallIntegerField(null=True)),
    ("ecc_sbe_volatile_total", models.BigIntegerField(null=True)),
    ("ecc_dbe_volatile_total", models.BigIntegerField(null=True)),
    ("ecc_sbe_aggregate_total", models.BigIntegerField(null=True)),
    ("ecc_dbe_aggregate_total", models.BigIntegerField(null=True)),
    ("extra", models.JSONField(null=True, help_text="Every other field, under its DCGM name")),
]

# Columns of 8 bytes first, then 4, then 2: no padding between them. Samples are appended per GPU, so
# full index pages (fillfactor) are not split again. There is no default partition,
# which would grow unseen; apps/telemetry/partitions.py makes a partition per UTC day.
CREATE_SAMPLE = """
CREATE TABLE telemetry_sample (
    "timestamp" timestamptz NOT NULL,
    power_draw double precision,
    energy_consumption_mj bigint,
    xid_error bigint,
    clock_event_reasons bigint,
    pcie_replay_total bigint,
    row_remap_correctable_total bigint,
    row_remap_uncorrectable_total bigint,
    ecc_sbe_volatile_total bigint,
    ecc_dbe_volatile_total bigint,
    ecc_sbe_aggregate_total bigint,
    ecc_dbe_aggregate_total bigint,
    gpu_id integer NOT NULL,
    gpu_utilization real,
    memory_utilization real,
    temperature real,
    memory_used_mib real,
    memory_free_mib real,
    sm_clock_mhz real,
    memory_clock_mhz real,
    encoder_utilization real,
    decoder_utilization real,
    memory_temperature real,
    row_remap_failed smallint,
    row_remap_pending smallint,
    extra jsonb,
    PRIMARY KEY (gpu_id, "timestamp") WITH (fillfactor = 100)
) PARTITION BY RANGE ("timestamp")
"""

# Every batch updates these rows: free space in each page lets the update stay in it (HOT).
LATEST_FILLFACTOR = "ALTER TABLE telemetry_latestsample SET (fillfactor = 50)"


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Cluster",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.CharField(max_length=128, unique=True)),
                ("name", models.CharField(blank=True, db_default="", max_length=255)),
                ("first_seen_at", models.DateTimeField(db_default=Now(), editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="Host",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cluster", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="hosts", to="telemetry.cluster")),
                ("hostname", models.CharField(max_length=253)),
                ("first_seen_at", models.DateTimeField(db_default=Now(), editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "hostname"), name="host_unique_in_cluster"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Gpu",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.CharField(max_length=128, unique=True, verbose_name="UUID")),
                ("host", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="gpus", to="telemetry.host")),
                ("gpu_index", models.PositiveSmallIntegerField(verbose_name="index")),
                ("device", models.CharField(blank=True, db_default="", max_length=1024)),
                ("model_name", models.CharField(blank=True, db_default="", max_length=1024)),
                ("driver_version", models.CharField(blank=True, db_default="", max_length=1024)),
                ("pci_bus_id", models.CharField(blank=True, db_default="", max_length=1024, verbose_name="PCI address")),
                ("described_at", models.DateTimeField(editable=False)),
                ("first_seen_at", models.DateTimeField(db_default=Now(), editable=False)),
            ],
            options={"verbose_name": "GPU"},
        ),
        migrations.CreateModel(
            name="LatestSample",
            fields=[
                ("gpu", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="latest", serialize=False, to="telemetry.gpu")),
                ("timestamp", models.DateTimeField()),
                ("sample_count", models.BigIntegerField(db_default=0)),
                *METRIC_COLUMNS,
            ],
        ),
        migrations.RunSQL(LATEST_FILLFACTOR, migrations.RunSQL.noop),
        migrations.RunSQL(
            CREATE_SAMPLE,
            "DROP TABLE telemetry_sample",
            state_operations=[
                migrations.CreateModel(
                    name="Sample",
                    fields=[
                        ("pk", models.CompositePrimaryKey("gpu_id", "timestamp", blank=True, editable=False, primary_key=True, serialize=False)),
                        ("gpu", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="samples", to="telemetry.gpu")),
                        ("timestamp", models.DateTimeField()),
                        *METRIC_COLUMNS,
                    ],
                ),
            ],
        ),
    ]  # fmt: skip
