"""How fine telemetry is answered: every sample, or what it amounts to per minute or hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Resolution(StrEnum):
    """What may be asked for; AUTO leaves the choice to `finest`."""

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


def finest(extent: Extent, points: int) -> Resolution:
    """The finest resolution that gives at most `points` results, or the coarsest there is."""
    if extent.samples <= points or extent.first_at is None or extent.last_at is None:
        return Resolution.RAW
    minutes = (extent.last_at - extent.first_at) // STEPS[Resolution.MINUTE] + 2
    return Resolution.MINUTE if minutes * extent.gpus <= points else Resolution.HOUR
