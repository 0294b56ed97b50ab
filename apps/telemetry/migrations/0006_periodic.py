"""How the periodic tasks go, and what waits in the queue over time."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("telemetry", "0005_latest_changed_in"),
    ]

    operations = [
        migrations.CreateModel(
            name="TaskRun",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("host", models.CharField(help_text="where it ran last", max_length=253)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("succeeded_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, default="")),
                (
                    "due_at",
                    models.DateTimeField(help_text="empty until it has succeeded once", null=True),
                ),
            ],
            options={
                "verbose_name": "periodic task",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="QueueSnapshot",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cluster", models.CharField(max_length=253)),
                (
                    "taken_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("messages", models.BigIntegerField()),
                (
                    "oldest_age_s",
                    models.FloatField(help_text="how long the first message has waited; 0 if none"),
                ),
                ("collectors", models.PositiveSmallIntegerField()),
                ("streamers", models.PositiveSmallIntegerField()),
            ],
            options={
                "ordering": ["-taken_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["cluster", "-taken_at", "-id"], name="queuesnapshot_newest"
                    )
                ],
            },
        ),
    ]
