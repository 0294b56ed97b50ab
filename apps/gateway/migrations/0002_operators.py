"""The group whose members are operators."""

from django.db import migrations


def make(apps, _schema_editor):
    apps.get_model("auth", "Group").objects.get_or_create(name="operator")


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0001_api_token"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
