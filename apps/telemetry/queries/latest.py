"""The latest sample of every GPU: the fleet view, which never touches history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from apps.telemetry.queries.gpu_choice import EVERY_GPU, GPUS, GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.reporting import SAME_UNTIL, STATE
from apps.telemetry.queries.sample_json import COLUMNS, checked_columns, sample_fields
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
_LATEST = """
SELECT coalesce(string_agg(row_to_json(fields)::text, ',' ORDER BY
                           cluster.slug, host.hostname, gpu.gpu_index, gpu.uuid), ''),
       count(*),
       {same_until}
  FROM {gpus}
  JOIN telemetry_latestsample latest ON latest.gpu_id = gpu.id,
       LATERAL (SELECT {place}, {fields}) fields
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
) -> Latest:
    """The newest sample of each chosen GPU that has one, by cluster, host and index.

    Each object has PLACE, with its state by apps/telemetry/status.py, `timestamp` and `columns`.
    Raises UnknownColumn.
    """
    statement = _LATEST.format(
        gpus=GPUS,
        place=", ".join(f"{sql} AS {name}" for name, sql in PLACE.items()),
        fields=sample_fields("latest", checked_columns(columns)),
        conditions=f"{choice.conditions} {in_state(state)}",
        same_until=SAME_UNTIL,
    )
    row = fetch_one(statement, choice.parameters)
    assert row is not None, "an aggregate has one row"
    lines, count, same_until = row
    return Latest(f"[{lines}]", count, same_until)


def in_state(state: str | None) -> str:
    """The condition on a row of latest samples. Raises ValueError for what is no state."""
    return "" if state is None else f"AND {STATE} = '{State(state).value}'"
