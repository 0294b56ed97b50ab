"""The Django app of the pages."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Templates and static files; no tables."""

    name = "apps.dashboard"
    verbose_name = "Dashboard"
