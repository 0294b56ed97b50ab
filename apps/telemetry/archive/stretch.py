"""Which samples of a GPU are wanted."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """Up to `rows` samples with `low` ≤ timestamp ≤ `high`, from the oldest or the newest on."""

    low: datetime | None
    high: datetime | None
    rows: int
    ascending: bool = True
