"""The Celery application: `celery -A telemetry_project worker -B` runs the periodic tasks."""

import os
import sys
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready
from django.conf import settings
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemetry_project.settings")

app = Celery("telemetry_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Those that wait in a line of long tasks are asked for again by the clock.
ASKED_AT_START_S = 60

# kombu and beat expect the folders of their files to exist.
settings.CELERY_DIR.mkdir(parents=True, exist_ok=True)
for folder in getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {}).values():
    Path(folder).mkdir(parents=True, exist_ok=True)


@worker_init.connect
def refuse_other_tables(**_: Any) -> None:
    """No task may meet the tables of another version: the worker ends with what to do."""
    from apps.telemetry.schema_version import (  # noqa: PLC0415, needs the models
        WrongSchema,
        refuse_wrong_schema,
    )

    try:
        refuse_wrong_schema()
    except WrongSchema as error:
        sys.exit(str(error))
    connections.close_all()


@worker_ready.connect
def run_due_work(**_: Any) -> None:
    """Run at start what was missed while no worker was there; what is not due yet does nothing."""
    for name in settings.PERIODIC_TASKS:
        app.send_task(name, expires=ASKED_AT_START_S)
