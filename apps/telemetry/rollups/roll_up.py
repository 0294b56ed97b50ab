"""Brings the roll-ups up to date: what was touched since, and nothing else.

It may die or be killed anywhere, and run any number of times at once: each slice of time is one
transaction, which takes the marks of what was touched and stores what it amounts to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from apps.telemetry.rollups.levels import HOUR, MINUTE, Level
from apps.telemetry.rollups.statements import ADVANCE, FIRST_TOUCHED, ROLL_UP
from apps.telemetry.single_run import NAMESPACE

# A minute is summed up once it is over by this much. Later data touch it again, so this spares
# work and decides nothing.
GRACE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RolledUp:
    """How many rows a call of `roll_up` wrote."""

    minutes: int
    hours: int


def roll_up(now: datetime | None = None) -> RolledUp:
    """Sum up every touched minute that is over at `now` (by default, the present), then the hours.

    Raises django.db.OperationalError if the connection is lost; what was done by then stays done.
    """
    for level in (MINUTE, HOUR):
        level.partitions.forget()  # retention may have dropped some
    closed = MINUTE.start_of((now or _now()) - GRACE)
    minutes = sum(_slices(MINUTE, closed))
    hours = sum(_slices(HOUR, HOUR.start_of(closed)))
    return RolledUp(minutes, hours)


def _slices(level: Level, closed: datetime) -> Iterator[int]:
    """Roll up slice by slice what was touched before `closed`, oldest first; rows per slice."""
    while (first := _first_touched(level, closed)) is not None:
        end = min(first + level.slice, closed)
        level.partitions.ensure([first.date(), (end - timedelta.resolution).date()])
        yield _roll_up_slice(level, first, end)
    with connection.cursor() as cursor:
        cursor.execute(ADVANCE, [level.name, closed])


def _roll_up_slice(level: Level, start: datetime, end: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        # One at a time, before anything is read: who reads first must not write last.
        key = f"hashtext('{level.table}')"
        cursor.execute(f"SELECT pg_advisory_xact_lock(%s, {key} # 1)", [NAMESPACE])
        cursor.execute(ROLL_UP[level.name], {"start": start, "end": end})
        return int(cursor.fetchone()[0])


def _first_touched(level: Level, closed: datetime) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(FIRST_TOUCHED.format(touched=level.touched), [closed])
        first: datetime | None = cursor.fetchone()[0]
        return first


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
        return now
