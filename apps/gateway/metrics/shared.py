"""The folder through which the gateway's processes count together.

They share one port, so a scrape reaches any one of them and must be told of the requests of all.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

# prometheus-client reads it when it is imported.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def counting_together() -> Iterator[None]:
    """Processes that are forked meanwhile, and import prometheus-client only now, share counts.

    What a process has counted stays when it ends, so counters never go back.
    """
    with TemporaryDirectory(prefix="gpu-telemetry-metrics-") as folder:
        os.environ[VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def shared_folder() -> str | None:
    """The folder, or None where a process counts alone."""
    return os.environ.get(VARIABLE)
