"""What changed in the latest samples since a reader last looked.

Several collectors commit at once, so numbers that they draw do not come in the order of their
commits. What a reader has seen is therefore a snapshot of PostgreSQL: whatever this one sees and
that one did not is new, and nothing is left out or read twice.
"""

from dataclasses import dataclass
from typing import Any

import psycopg

from apps.telemetry.queries.gpu_choice import GPUS
from apps.telemetry.queries.sample_json import COLUMNS, sample_object

# What an object holds before its sample.
PLACE = {
    "uuid": "gpu.uuid",
    "cluster": "cluster.slug",
    "hostname": "host.hostname",
    "gpu_id": "gpu.gpu_index",
}
_TRANSACTION = "latest.changed_in::text::xid8"
# The comparison of numbers comes first and spares most rows the dearer look into the snapshots.
_NEW = f"""
WHERE latest.changed_in >= pg_snapshot_xmin(%(since)s::pg_snapshot)::text::bigint
  AND NOT pg_visible_in_snapshot({_TRANSACTION}, %(since)s::pg_snapshot)
  AND pg_visible_in_snapshot({_TRANSACTION}, pg_current_snapshot())
"""
_CHANGES = """
SELECT pg_current_snapshot()::text, change.*
  FROM (VALUES (1)) one
  LEFT JOIN (
    SELECT gpu.uuid, cluster.slug, host.hostname, latest.changed_in, {sample}
      FROM {gpus}
      JOIN telemetry_latestsample latest ON latest.gpu_id = gpu.id
    {new}
  ) change ON true
"""


@dataclass(frozen=True, slots=True)
class Change:
    """The newest sample of a GPU: `line` is a JSON object of PLACE, `timestamp` and COLUMNS."""

    uuid: str
    cluster: str
    hostname: str
    changed_in: int
    line: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new, and the snapshot (text of a pg_snapshot) that it was read in."""

    snapshot: str
    rows: list[Change]


async def read_changes(
    connection: "psycopg.AsyncConnection[tuple[Any, ...]]", since: str | None
) -> Changes:
    """The newest sample of each GPU where `since`, a snapshot, has not seen it; None: of every GPU.

    Raises psycopg.Error.
    """
    statement = _CHANGES.format(
        gpus=GPUS,
        sample=sample_object("latest", COLUMNS, PLACE),
        new="" if since is None else _NEW,
    )
    parameters = None if since is None else {"since": since}
    cursor = await connection.execute(statement.encode(), parameters)
    rows = await cursor.fetchall()
    return Changes(rows[0][0], [Change(*row[1:]) for row in rows if row[1] is not None])
