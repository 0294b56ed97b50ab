"""The settings of processes that answer no requests: all of them, without the gateway's apps.

Each worker would load hundreds of modules of those apps: 14 MB were measured.
"""

from telemetry_project.settings import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.auth",  # uploads and tokens name their users
    "django.contrib.contenttypes",
    "apps.telemetry",
    "workers",
]
MIDDLEWARE = []
ROOT_URLCONF = ""
