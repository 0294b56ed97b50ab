"""The admin's view of the samples; the table itself does not change."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="SampleRow",
            fields=[("timestamp", models.DateTimeField(primary_key=True, serialize=False))],
            options={"verbose_name": "sample", "db_table": "telemetry_sample", "managed": False},
        ),
    ]
