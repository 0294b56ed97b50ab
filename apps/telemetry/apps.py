"""Django application configuration."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    """Owner of the tables: inventory, samples and what describes them."""

    name = "apps.telemetry"
    label = "telemetry"
    default_auto_field = "django.db.models.AutoField"
