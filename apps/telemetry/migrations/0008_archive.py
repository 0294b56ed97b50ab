"""What is known of the archive, and the function of the triggers that watch past days."""

import django.db.models.deletion
from django.db import migrations, models

# One writer a minute notes the time, or writers would wait for each other at every row.
NOTE_CHANGE = """
CREATE FUNCTION telemetry_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE telemetry_watchedday SET touched_at = clock_timestamp()
     WHERE date = TG_ARGV[0]::date
       AND (touched_at IS NULL OR touched_at < clock_timestamp() - interval '1 minute');
    RETURN NULL;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0007_rollups")]

    operations = [
        migrations.CreateModel(
            name="ArchivedDay",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cluster", models.CharField(help_text="the cluster's slug at that time", max_length=128)),
                ("date", models.DateField()),
                ("state", models.CharField(choices=[("writing", "Writing"), ("verified", "Verified"), ("alone", "Alone")], max_length=8)),
                ("files", models.JSONField(default=list)),
                ("rows", models.BigIntegerField(default=0)),
                ("bytes", models.BigIntegerField(default=0)),
                ("checksum", models.CharField(blank=True, default="", max_length=16)),
                ("verified_at", models.DateTimeField(null=True)),
                ("restored_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-date", "cluster"],
                "constraints": [models.UniqueConstraint(fields=("date", "cluster"), name="archived_day_once")],
            },
        ),
        migrations.CreateModel(
            name="ArchivedCount",
            fields=[
                ("pk", models.CompositePrimaryKey("gpu_id", "date", blank=True, editable=False, primary_key=True, serialize=False)),
                ("gpu", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="telemetry.gpu")),
                ("date", models.DateField(db_index=True)),
                ("rows", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="WatchedDay",
            fields=[
                ("date", models.DateField(primary_key=True, serialize=False)),
                ("watched_at", models.DateTimeField()),
                ("touched_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RunSQL(NOTE_CHANGE, "DROP FUNCTION telemetry_note_change() CASCADE"),
    ]  # fmt: skip
