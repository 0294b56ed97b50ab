"""Which transaction brought each latest sample, so that readers can follow what changes."""

from django.db import migrations, models
from django.db.models import Func, TextField
from django.db.models.functions import Cast


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0004_upload")]

    operations = [
        migrations.AddField(
            model_name="latestsample",
            name="changed_in",
            field=models.BigIntegerField(
                db_default=Cast(
                    Cast(Func(function="pg_current_xact_id"), TextField()), models.BigIntegerField()
                ),
                editable=False,
            ),
        ),
    ]
