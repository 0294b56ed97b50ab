"""The latest sample of every GPU: the fleet view, which never touches history.

Or the latest at a moment of the past: of each GPU one step down the primary key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from apps.telemetry.queries.archived import GIVEN, source, window_of_days
from apps.telemetry.queries.fleet_archived import DAYS, parse_dates
from apps.telemetry.queries.gpu_choice import EVERY_GPU, GPUS, GpuChoice
from apps.telemetry.queries.latest_archived import newest_archived
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.reporting import SAME_UNTIL, STATE, state_at
from apps.telemetry.queries.sample_json import COLUMNS, checked_columns, sample_object
from apps.telemetry.queries.segments import NEVER
from apps.telemetry.status import State

# What an object holds before its sample.
PLACE = {
    "uuid": "gpu.uuid",
    "cluster": "cluster.slug",
    "hostname": "host.hostname",
    "gpu_id": "gpu.gpu_index",
    "device": "gpu.device",
    "model_name": "gpu.model_name",
    "state": STATE,
}
# What is older at the moment that is asked for is not looked for.
LOOK_BACK = timedelta(minutes=10)
_MOMENT = "%(at)s::timestamptz"
_NEWEST = "JOIN telemetry_latestsample latest ON latest.gpu_id = gpu.id"
_STORED_AT = f"""(SELECT *
                     FROM telemetry_sample s
                    WHERE s.gpu_id = gpu.id AND s.timestamp <= {_MOMENT}
                      AND s.timestamp > {_MOMENT} - interval '{LOOK_BACK.total_seconds():.0f} s'
                    ORDER BY s.timestamp DESC LIMIT 1)"""
_NEWEST_AT = """JOIN telemetry_latestsample newest ON newest.gpu_id = gpu.id {given}
  JOIN LATERAL (SELECT s.*, newest.interval_s FROM {source} s) latest ON true"""
# One archived sample of each GPU at most, found by a hash of them all.
_GIVEN = f"LEFT JOIN {GIVEN} archived ON archived.gpu_id = gpu.id"
_GIVEN_OF_GPU = "(SELECT archived.*)"
_LATEST = """
SELECT coalesce(string_agg({sample}, ',' ORDER BY cluster.slug, host.hostname, gpu.gpu_index,
                                                  gpu.uuid), ''),
       count(*),
       {same_until},
       {days}
  FROM {gpus}
  {rows}
 WHERE true {conditions}
"""


@dataclass(frozen=True, slots=True)
class Latest:
    """`results` is the text of a JSON array of `count` objects.

    While nothing is stored they stay as they are until `same_until` (None: for ever).
    """

    results: str
    count: int
    same_until: datetime | None


def latest_json(
    choice: GpuChoice = EVERY_GPU,
    *,
    state: str | None = None,
    columns: Iterable[str] = COLUMNS,
    at: datetime | None = None,
) -> Latest:
    """The newest sample of each chosen GPU that has one, by cluster, host and index.

    With `at`, the newest at that moment that was not older than LOOK_BACK, and the state then.

    Each object has PLACE, with its state by apps/telemetry/status.py, `timestamp` and `columns`.
    Raises UnknownColumn, and with `at` TooManyArchived and ArchiveFailed.
    """
    names = checked_columns(columns)
    parameters = choice.parameters | {"at": at, "start": at and looked_back(at), "end": at}
    row = _row(_statement(choice, state, names, at), parameters)
    seen: set[date] = set()
    while at and not seen.issuperset(dates := parse_dates(row[-1])):
        seen |= dates
        archived = newest_archived(choice, looked_back(at), at, names)
        statement = _statement(choice, state, names, at, with_given=True)
        row = _row(statement, parameters | {"archived": archived})
    lines, count, same_until, _ = row
    return Latest(f"[{lines}]", count, same_until)


def looked_back(at: datetime) -> datetime:
    """The first instant whose samples are not too old at that moment."""
    return max(at, NEVER + LOOK_BACK) - LOOK_BACK


def _row(statement: str, parameters: Mapping[str, object]) -> tuple[Any, ...]:
    row = fetch_one(statement, parameters)
    assert row is not None, "an aggregate has one row"
    return row


def _statement(
    choice: GpuChoice,
    state: str | None,
    columns: Iterable[str],
    at: datetime | None,
    *,
    with_given: bool = False,
) -> str:
    return _LATEST.format(
        gpus=GPUS,
        rows=latest_rows(at, with_given=with_given),
        sample=sample_object("latest", columns, latest_place(at)),
        conditions=f"{choice.conditions} {in_state(state, at)}",
        same_until="NULL" if at else SAME_UNTIL,
        days=DAYS.format(window=window_of_days(at, at)) if at else "NULL",
    )


def latest_rows(at: datetime | None, *, with_given: bool = False) -> str:
    """The join that brings the row `latest` of each GPU; `with_given`: or that of `archived`."""
    if at is None:
        return _NEWEST
    rows = source(_STORED_AT, "DESC", "1", with_given=with_given, given=_GIVEN_OF_GPU)
    return _NEWEST_AT.format(given=_GIVEN if with_given else "", source=rows)


def latest_place(at: datetime | None) -> dict[str, str]:
    """PLACE, with the state of then."""
    return PLACE if at is None else PLACE | {"state": state_at(_MOMENT)}


def in_state(state: str | None, at: datetime | None = None) -> str:
    """The condition on a row of latest samples. Raises ValueError for what is no state."""
    return "" if state is None else f"AND {latest_place(at)['state']} = '{State(state).value}'"
