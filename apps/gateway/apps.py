"""Django application configuration."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The public API: reads only, through apps.telemetry.queries."""

    name = "apps.gateway"
    label = "gateway"
