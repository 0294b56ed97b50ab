"""Admin lists of the periodic tasks and of the queue's past: what happened, and nothing to do."""

from typing import Any

from django.contrib import admin
from django.utils import timezone

from apps.telemetry import queries
from apps.telemetry.admin.columns import NOTHING, Styled, utc
from apps.telemetry.admin.samples import ListedOnly
from apps.telemetry.models import QueueSnapshot, TaskRun


@admin.register(TaskRun)
class TaskRunAdmin(Styled, admin.ModelAdmin):
    """How each task went; its page has the whole error."""

    list_display = ["name", "state", "started", "succeeded", "failed", "short_error", "due", "host"]
    fields = readonly_fields = (
        "name", "state", "host", "started", "succeeded", "failed", "error", "due",
    )  # fmt: skip

    def has_add_permission(self, *_: Any) -> bool:
        """Only a run adds."""
        return False

    def has_change_permission(self, *_: Any) -> bool:
        """Only a run changes."""
        return False

    def state(self, run: TaskRun) -> str:
        """How it is at this moment, in words."""
        states = queries.task_states([run], [], timezone.now())
        return states[run.name].replace("_", " ")

    @admin.display(description="started (UTC)")
    def started(self, run: TaskRun) -> str:
        """When it last began."""
        return utc(run.started_at)

    @admin.display(description="succeeded (UTC)")
    def succeeded(self, run: TaskRun) -> str:
        """When it last came to its end."""
        return utc(run.succeeded_at)

    @admin.display(description="failed (UTC)")
    def failed(self, run: TaskRun) -> str:
        """When it last failed."""
        return utc(run.failed_at)

    @admin.display(description="last error")
    def short_error(self, run: TaskRun) -> str:
        """The beginning of it."""
        return run.error[:120] or NOTHING

    @admin.display(description="due (UTC)")
    def due(self, run: TaskRun) -> str:
        """When it runs next, or at once."""
        return utc(run.due_at) if run.due_at else "at once"


@admin.register(QueueSnapshot)
class QueueSnapshotAdmin(ListedOnly):
    """What waited in the queues."""

    list_display = ["taken", "cluster", "messages", "oldest_age_s", "collectors", "streamers"]
    list_filter = ["cluster"]

    @admin.display(description="time (UTC)", ordering="taken_at")
    def taken(self, snapshot: QueueSnapshot) -> str:
        """When it was looked at."""
        return utc(snapshot.taken_at)
