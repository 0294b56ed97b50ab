"""The archived samples that a page of many GPUs needs."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from apps.telemetry.queries.archived import ArchivedOn
from apps.telemetry.queries.archived_count import MAX_READ
from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.prepared import fetch_one

# For a select list: the days that the archive alone has, as text, or NULL.
DAYS = """
(SELECT json_agg(DISTINCT date)::text FROM telemetry_archivedday archived
  WHERE archived.state = 'alone' {window})
"""
_KEYS = "SELECT json_object_agg(gpu.uuid, gpu.id)::text FROM {gpus} WHERE true {conditions}"


class TooManyArchived(ValueError):
    """A day of the archive has too many samples of the chosen GPUs to be put in order."""


def parse_dates(text: str | None) -> set[date]:
    """The value of DAYS."""
    return msgspec.json.decode(text or "[]", type=set[date])


def given_of_fleet(  # noqa: PLR0913, a page's every side
    choice: GpuChoice,
    days: Sequence[ArchivedOn],
    bounds: tuple[datetime | None, datetime | None],
    after: tuple[datetime, int] | None,
    reached: datetime | None,
    rows: int,
    columns: Sequence[str],
    *,
    ascending: bool,
) -> list[dict[str, Any]]:
    """The first `rows` archived samples after a place, as the statement takes them.

    `reached` is the last instant of an answer that is full. Raises TooManyArchived, ArchiveFailed.
    """
    if not days:
        return []
    from apps.telemetry.archive.merging import Turn, first_samples  # noqa: PLC0415, needs pyarrow
    from apps.telemetry.archive.reading import as_samples  # noqa: PLC0415

    low, high = bounds
    if after:
        low, high = (after[0], high) if ascending else (low, after[0])
    keys = keys_of(choice)
    found: list[dict[str, Any]] = []
    for one in days if ascending else reversed(days):
        is_beyond = reached and (one.start > reached if ascending else one.last < reached)
        if is_beyond or len(found) >= rows:
            break
        if one.touches(low, high):
            _require_readable(one)
            turn = Turn(low, high, after, rows - len(found), ascending)
            found += as_samples(first_samples(keys, one.day, turn, columns))
    return found


def _require_readable(one: ArchivedOn) -> None:
    if one.rows > MAX_READ:
        raise TooManyArchived(
            f"the samples of {one.day} are in the archive, {one.rows:,} of these GPUs, and no more"
            f" than {MAX_READ:,} of a day are put in order at once; choose fewer GPUs (cluster,"
            " hostname, gpu, model), a `resolution` of 1m or 1h, or begin on another day."
        )


def keys_of(choice: GpuChoice) -> dict[str, int]:
    """The database's keys of the chosen GPUs, by UUID."""
    row = fetch_one(_KEYS.format(gpus=GPUS, conditions=choice.conditions), choice.parameters)
    text = row[0] if row else None
    return msgspec.json.decode(text or "{}", type=dict[str, int])
