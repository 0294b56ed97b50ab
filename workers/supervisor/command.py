"""Supervises for a command: makes the pools and their logs, and gives the exit code."""

import logging
import os
import socket
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from apps.embedded.locks import DirectoryLock, LockHeld
from apps.embedded.processes import Child, StartFailed
from apps.mq import QueueConfig, Refused
from workers.signals import graceful_stop
from workers.supervisor.pool import Pool
from workers.supervisor.sharing import Range
from workers.supervisor.supervisor import Supervisor

logger = logging.getLogger(__name__)

STOPPED, FAILED, WRONG_ARGUMENTS, _, QUEUE_REFUSED = range(5)  # as runstreamer has it

# The arguments to manage.py of a role's worker, by its number from 1 on.
Arguments = Callable[[int], Sequence[str]]


def supervise(
    config: QueueConfig, limits: Mapping[str, Range], arguments: Mapping[str, Arguments]
) -> int:
    """Keep "collectors" and "streamers" running within limits until a signal; the exit code.

    Raises CommandError, with the exit code, for what a person has to mend.
    """
    try:
        logs = _log_folder()
        logger.info("the workers' logs are in %s", logs)
        pools = {
            "collectors": _pool("collector", arguments["collectors"], logs),
            "streamers": _pool("streamer", arguments["streamers"], logs, may_finish=True),
        }
        instance = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        with graceful_stop() as stop:
            in_order = Supervisor(config, instance, pools, limits).run(stop)
    except Refused as error:
        raise CommandError(str(error), returncode=QUEUE_REFUSED) from error
    except StartFailed as error:
        raise CommandError(str(error), returncode=FAILED) from error
    return STOPPED if in_order else FAILED


def _log_folder(number: int = 1) -> Path:
    """One to which no other supervisor writes while this process lives. Raises StartFailed."""
    folder: Path = settings.VAR_DIR / "log" / f"pipeline{f'-{number}' if number > 1 else ''}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        DirectoryLock(folder).acquire()
    except LockHeld:
        return _log_folder(number + 1)
    except OSError as error:
        raise StartFailed(
            f"the workers' logs cannot be written: {error}; VAR_DIR names another folder"
        ) from error
    return folder


def _pool(role: str, arguments: Arguments, logs: Path, *, may_finish: bool = False) -> Pool:
    """Workers that run a command of ours, each with a log of its own."""

    def make(number: int) -> Child:
        name = f"{role}-{number}"
        argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments(number)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return Child(name, argv, logs / f"{name}.log", environment, settings.BASE_DIR)

    return Pool(role, make, logger.warning, may_finish=may_finish)
