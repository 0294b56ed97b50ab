"""What PostgreSQL remembers of the pipeline: how its periodic tasks went, what waited when, what
could not be stored."""

from typing import Any

from django.db import InterfaceError, OperationalError

from apps.gateway.times import format_time
from apps.telemetry import queries
from apps.telemetry.models import QueueSnapshot

# An hour of them at one in 30 s.
SNAPSHOTS = 120
TIMES = ("due_at", "started_at", "finished_at", "succeeded_at", "failed_at")


def remembered(cluster: str) -> dict[str, Any]:
    """The fields `tasks`, `queue_history`, `dead_letters`; null while PostgreSQL is away."""
    try:
        return {
            "tasks": [_task(task) for task in queries.tasks()],
            "queue_history": [_look(look) for look in queries.queue_history(cluster, SNAPSHOTS)],
            "dead_letters": queries.dead_letters(cluster),
        }
    except (OperationalError, InterfaceError):
        return {"tasks": None, "queue_history": None, "dead_letters": None}


def _task(task: queries.Task) -> dict[str, Any]:
    last = task.last
    times = {name: last and getattr(last, name) for name in TIMES}
    return {
        "name": task.name,
        "state": task.state,
        "every_s": task.every.total_seconds(),
        **{name: at and format_time(at) for name, at in times.items()},
        "error": last.error if last else "",
    }


def _look(snapshot: QueueSnapshot) -> dict[str, Any]:
    return {
        "at": format_time(snapshot.taken_at),
        "messages": snapshot.messages,
        "oldest_age_s": snapshot.oldest_age_s,
        "collectors": snapshot.collectors,
        "streamers": snapshot.streamers,
    }
