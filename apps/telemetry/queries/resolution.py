"""How fine telemetry is answered: every sample, or what it amounts to per minute or hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from apps.telemetry.rollups.levels import EPOCH


class Resolution(StrEnum):
    """What may be asked for; AUTO leaves the choice to `resolution_for`."""

    RAW = "raw"
    MINUTE = "1m"
    HOUR = "1h"
    AUTO = "auto"


STEPS = {Resolution.MINUTE: timedelta(minutes=1), Resolution.HOUR: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Extent:
    """What a window holds: its GPUs, its samples (counted up to a bound), the first and last."""

    gpus: int
    samples: int
    first_at: datetime | None
    last_at: datetime | None


def resolution_for(extent: Extent, points: int, most: int) -> Resolution:
    """The coarsest resolution that still gives `points` results, and no more than `most`.

    Where none does, the finest that gives at most `most`; where none does that, the coarsest. Of
    two that give the same, the finer.
    """
    results = {name: _results(extent, name) for name in (Resolution.RAW, *STEPS)}
    fit = {name: number for name, number in results.items() if number <= most}
    enough = {name: number for name, number in fit.items() if number >= points}
    if enough:
        return min(enough, key=enough.__getitem__)
    return max(fit, key=fit.__getitem__, default=Resolution.HOUR)


def _results(extent: Extent, resolution: Resolution) -> int:
    """How many results at most."""
    if resolution is Resolution.RAW or extent.first_at is None or extent.last_at is None:
        return extent.samples
    step = STEPS[resolution]
    buckets = (extent.last_at - EPOCH) // step - (extent.first_at - EPOCH) // step + 1
    return min(extent.samples, buckets * extent.gpus)
