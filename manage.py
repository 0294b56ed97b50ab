#!/usr/bin/env python
"""Django's command-line entry point."""

import os
import sys

from django.core.management import execute_from_command_line

SETTINGS = "telemetry_project.settings"
# What answers no requests does without the gateway: it starts sooner and takes less memory.
WORKERS = {"runstreamer", "runcollector", "runpipeline"}


def load_arrow_alone() -> None:
    """Load pyarrow without numpy, which it takes where it finds it: 13 MB that no streamer uses."""
    sys.modules["numpy"] = None  # type: ignore[assignment] # importing it fails
    import pyarrow.compute  # noqa: PLC0415
    import pyarrow.csv  # noqa: F401, PLC0415

    del sys.modules["numpy"]  # psycopg looks there for what it has to adapt


if __name__ == "__main__":
    if sys.argv[1:2] == ["runstreamer"]:
        load_arrow_alone()
    # One that is inherited of a parent which answers requests counts as none.
    if os.environ.get("DJANGO_SETTINGS_MODULE", SETTINGS) == SETTINGS:
        is_worker = WORKERS.intersection(sys.argv[1:2])
        os.environ["DJANGO_SETTINGS_MODULE"] = f"{SETTINGS}_of_workers" if is_worker else SETTINGS
    execute_from_command_line(sys.argv)
