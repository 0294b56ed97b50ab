"""Django application configuration."""

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """Streamer, collector and what starts them; no tables."""

    name = "workers"
