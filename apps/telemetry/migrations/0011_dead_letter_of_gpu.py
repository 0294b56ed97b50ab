"""Which GPU and time a dead letter is of, so that the GPU can tell what of it was refused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0010_upload_contents")]

    operations = [
        migrations.AddField(
            model_name="deadletter",
            name="uuid",
            field=models.CharField(
                "UUID", max_length=128, blank=True, db_default="",
                help_text="of the GPU, where the message says it",
            ),
        ),
        migrations.AddField(
            model_name="deadletter",
            name="timestamp",
            field=models.DateTimeField(
                null=True, help_text="of the record, where the message says it"
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                fields=["uuid", "buried_at"], name="dead_letter_of_gpu",
                condition=~models.Q(uuid=""),
            ),
        ),
    ]  # fmt: skip
