"""Samples summed up per minute and per hour.

`marks` says which minutes a batch touches; ingest stores that with the samples. `roll_up` makes
the rows of touched minutes anew, and of the hours that these touch. Which columns a row has is in
columns, how it is made in aggregates and statements. Who drops or restores a day asks days.
"""

from apps.telemetry.rollups.days import is_complete, mark_day
from apps.telemetry.rollups.levels import HOUR, MINUTE, Level
from apps.telemetry.rollups.roll_up import RolledUp, roll_up

__all__ = ["HOUR", "MINUTE", "Level", "RolledUp", "is_complete", "mark_day", "roll_up"]
