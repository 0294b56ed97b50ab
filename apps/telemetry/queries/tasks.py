"""How the periodic tasks go, and what has waited in the queue lately."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import timezone

from apps.telemetry.models import QueueSnapshot, TaskRun
from apps.telemetry.single_run import running

# Asked for once a minute at least, so by then a worker would have begun.
PATIENCE = timedelta(minutes=3)


class TaskState(StrEnum):
    """How a periodic task is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    OVERDUE = "overdue"
    NEVER_RUN = "never_run"


@dataclass(frozen=True, slots=True)
class Task:
    """A periodic task: its state, and its last run if it ever ran."""

    name: str
    every: timedelta
    state: TaskState
    last: TaskRun | None


def tasks() -> list[Task]:
    """Every task of settings.PERIODIC_TASKS, by name."""
    known = TaskRun.objects.in_bulk()
    states = task_states(known.values(), settings.PERIODIC_TASKS, timezone.now())
    return [
        Task(name, every, states[name], known.get(name))
        for name, every in sorted(settings.PERIODIC_TASKS.items())
    ]


def task_states(
    runs: Iterable[TaskRun], names: Iterable[str], now: datetime
) -> dict[str, TaskState]:
    """The state of each task at this moment; whether it runs is asked of its lock."""
    last = {run.name: run for run in runs}
    names = set(names) | last.keys()
    active = running(names)
    return {name: state_of(last.get(name), name in active, now) for name in names}


def state_of(last: TaskRun | None, is_running: bool, now: datetime) -> TaskState:
    """The rule. An interrupted run was begun and neither finished nor is it at work."""
    if is_running:
        return TaskState.RUNNING
    if last is None:
        return TaskState.NEVER_RUN
    if last.finished_at is None or last.finished_at < last.started_at:
        return TaskState.INTERRUPTED
    if last.failed_at is not None and last.failed_at >= last.started_at:
        return TaskState.FAILED
    if last.due_at is not None and last.due_at + PATIENCE < now:
        return TaskState.OVERDUE
    return TaskState.DONE


def queue_history(cluster: str, limit: int) -> list[QueueSnapshot]:
    """The newest snapshots of a cluster's queue, oldest first."""
    return list(QueueSnapshot.objects.filter(cluster=cluster)[:limit])[::-1]
