"""Whether minutes and hours are still kept where samples are: the archive may outlive them."""

from datetime import datetime, timedelta

from apps.telemetry.partition_list import attached
from apps.telemetry.queries.archived_count import archived_days
from apps.telemetry.queries.gpu_choice import GpuChoice
from apps.telemetry.queries.segments import EVER, NEVER, Edges
from apps.telemetry.rollups.levels import HOUR, MINUTE


class RollupsGone(LookupError):
    """The archive has samples of a time whose minutes, or hours, are not kept any more."""


def require_kept(
    choice: GpuChoice,
    step: timedelta,
    start: datetime | None,
    end: datetime | None,
    edges: Edges,
) -> None:
    """Raise RollupsGone where an answer by roll-ups would leave out what the archive has."""
    if edges.samples_from == NEVER or (start is not None and start >= edges.samples_from):
        return
    level = HOUR if step >= HOUR.step else MINUTE
    kept = attached(level.table)
    first = kept[0].start if kept else EVER
    if start is not None and start >= first:
        return
    before = first - timedelta.resolution
    if not archived_days(choice, start, min(end or EVER, before)).days:
        return
    raise RollupsGone(
        f"samples of that time are in the archive, and what they amount to per {level.name} is not"
        f" kept so long; ask for `resolution` raw, or begin at {first:%Y-%m-%dT%H:%M:%SZ}."
        if kept
        else "samples of that time are in the archive, and what they amount to is not kept so long;"
        " ask for `resolution` raw."
    )
