"""Several collector processes under one command: they start, stop and fail together."""

import logging
import signal
import subprocess
import sys
from collections.abc import Sequence

from django.conf import settings

from apps.embedded.processes import die_with_parent
from workers.signals import graceful_stop

logger = logging.getLogger(__name__)

LOOK_S = 0.2
STOP_S = 15.0


def run_group(members: Sequence[Sequence[str]]) -> int:
    """Run `runcollector` once with each of these lists of arguments; the exit code.

    When one ends by itself the others are stopped too, so that whatever started the group sees it.
    """
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "runcollector"]
    with graceful_stop() as stop:
        # A session of its own each, so that a terminal's Ctrl-C reaches them through us, once.
        group = [
            subprocess.Popen(
                [*die_with_parent(signal.SIGTERM), *command, *arguments], start_new_session=True
            )
            for arguments in members
        ]
        while not stop.wait(LOOK_S):
            if any(process.poll() is not None for process in group):
                logger.error("a collector has ended by itself; stopping the others")
                break
        for process in group:
            process.terminate()
        codes = [_end(process) for process in group]
    return max((abs(code) for code in codes), default=0)


def _end(process: "subprocess.Popen[bytes]") -> int:
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
