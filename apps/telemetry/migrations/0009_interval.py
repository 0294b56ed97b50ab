"""How often each GPU reports. A column that may be NULL: no row is rewritten."""

from django.db import migrations

import apps.telemetry.models.fields


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0008_archive")]

    operations = [
        migrations.AddField(
            model_name="latestsample",
            name="interval_s",
            field=apps.telemetry.models.fields.RealField(editable=False, null=True),
        ),
    ]
