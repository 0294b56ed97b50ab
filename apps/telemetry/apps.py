"""Django application configuration."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class TelemetryConfig(AppConfig):
    """Owner of the tables: inventory, samples and what describes them."""

    name = "apps.telemetry"
    label = "telemetry"
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Connections are set up for the statements of the queries."""
        # They register their checks.
        from apps.telemetry import schema_version  # noqa: F401, PLC0415
        from apps.telemetry.archive import settings_check  # noqa: F401, PLC0415
        from apps.telemetry.prepared_cursor import plan_once  # noqa: PLC0415, needs psycopg

        connection_created.connect(plan_once)
