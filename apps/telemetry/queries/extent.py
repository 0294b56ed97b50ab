"""How much a window of telemetry holds, looked up before it is answered."""

from datetime import datetime

from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.resolution import Extent
from apps.telemetry.queries.window import window_of

_EXTENT = """
WITH gpu AS MATERIALIZED (SELECT gpu.id FROM {gpus} WHERE true {conditions})
SELECT (SELECT count(*) FROM gpu),
       (SELECT count(*) FROM (
          SELECT 1 FROM gpu, LATERAL (SELECT 1 FROM telemetry_sample s
                                       WHERE s.gpu_id = gpu.id {window}) s
           LIMIT %(at_most)s::integer) counted),
       (SELECT min(s.timestamp) FROM gpu, LATERAL (
          SELECT s.timestamp FROM telemetry_sample s WHERE s.gpu_id = gpu.id {window}
           ORDER BY s.timestamp LIMIT 1) s),
       (SELECT max(s.timestamp) FROM gpu, LATERAL (
          SELECT s.timestamp FROM telemetry_sample s WHERE s.gpu_id = gpu.id {window}
           ORDER BY s.timestamp DESC LIMIT 1) s)
"""


def extent(
    choice: GpuChoice, *, start: datetime | None, end: datetime | None, at_most: int
) -> Extent:
    """What the chosen GPUs have with `start` ≤ timestamp ≤ `end`; counted no further than told."""
    statement = _EXTENT.format(
        gpus=GPUS, conditions=choice.conditions, window=window_of(start, end)
    )
    row = fetch_one(statement, choice.parameters | {"start": start, "end": end, "at_most": at_most})
    assert row is not None, "it has one row"
    return Extent(*row)
