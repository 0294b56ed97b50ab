"""Runs a periodic task: one at a time across machines, only when it is due, its outcome kept.

Celery's clock asks for every task more often than it is due, and whether it is due is decided here,
by what PostgreSQL remembers. So a run that was missed while no worker was there, that failed or
that was killed is made up for as soon as a worker asks again, and a second clock does no harm.
"""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import wraps

from celery import shared_task
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.db.models.functions import Now

from apps.telemetry.models import TaskRun
from apps.telemetry.single_run import single_run

# A clock that rings a little early must not make a task wait for the next ring.
EARLY = 0.1
MAX_ERROR = 2000

log = logging.getLogger(__name__)

Work = Callable[[], object]


def periodic(name: str) -> Callable[[Work], Callable[[], bool]]:
    """Make a function a periodic task of settings.PERIODIC_TASKS.

    The Celery task of this name runs it if it is due. The function itself then runs it now, and
    answers whether it did: False while it runs elsewhere.
    """

    def register(work: Work) -> Callable[[], bool]:
        @shared_task(name=name)
        def if_due() -> None:
            run(name, work, only_if_due=True)

        @wraps(work)
        def now() -> bool:
            return run(name, work)

        return now

    return register


def run(name: str, work: Work, *, only_if_due: bool = False) -> bool:
    """Do the work unless it is being done elsewhere; whether it was done.

    What is kept is written before and after, never in the work's transactions. Raises what the
    work raises; it then stays due.
    """
    with single_run(name) as is_ours:
        if not is_ours:
            log.info("%s runs elsewhere at this moment", name)
            return False
        if only_if_due and not is_due(name):
            return False
        _begin(name)
        try:
            work()
        except Exception as error:
            _fail(name, error)
            raise
        _succeed(name)
    return True


def is_due(name: str) -> bool:
    """Whether the time for a task has come, by PostgreSQL's clock."""
    early = EARLY * settings.PERIODIC_TASKS[name]
    return not TaskRun.objects.filter(name=name, due_at__gt=Now() + early).exists()


def _begin(name: str) -> None:
    started = {"started_at": Now(), "host": socket.gethostname()}
    TaskRun.objects.update_or_create(name=name, defaults=started)


def _succeed(name: str) -> None:
    every: timedelta = settings.PERIODIC_TASKS[name]
    TaskRun.objects.filter(name=name).update(
        finished_at=Now(), succeeded_at=Now(), due_at=F("started_at") + every
    )
    log.debug("%s is done", name)


def _fail(name: str, error: Exception) -> None:
    text = f"{type(error).__name__}: {error}"[:MAX_ERROR].replace("\0", "")
    # Without a connection nothing can be kept; it shows as interrupted, and is due again as well.
    with suppress(InterfaceError, OperationalError):
        TaskRun.objects.filter(name=name).update(finished_at=Now(), failed_at=Now(), error=text)
