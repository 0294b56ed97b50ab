"""What an upload holds: its GPUs and the time of its records."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0009_interval")]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="gpus",
            field=models.JSONField("GPUs", default=list, help_text="UUIDs of the first 1000"),
        ),
        migrations.AddField(
            model_name="upload", name="first_sample_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="upload", name="last_sample_at", field=models.DateTimeField(null=True)
        ),
    ]
