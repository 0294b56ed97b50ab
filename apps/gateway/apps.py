"""Django application configuration."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The public API, which reads through apps.telemetry.queries only, and who may use it."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.gateway"
    label = "gateway"
