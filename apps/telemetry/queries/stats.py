"""What the whole fleet amounts to now, out of the latest samples."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.reporting import IDLE_BELOW, SAME_UNTIL, STATE
from apps.telemetry.queries.sample_json import time_text

# Sums of `real` columns are made of wider numbers, or large fleets would lose their digits. That of
# doubles carries noise behind the 15th digit, which numeric leaves out.
_STATS = """
SELECT json_build_object(
         'gpus', count(*),
         'reporting', count(*) FILTER (WHERE reporting),
         'silent', count(*) FILTER (WHERE state = 'silent'),
         'lost', count(*) FILTER (WHERE state = 'lost'),
         'never_seen', count(*) FILTER (WHERE state = 'never_seen'),
         'idle', count(*) FILTER (WHERE reporting AND latest.gpu_utilization < {idle_below}),
         'power_draw', (sum(latest.power_draw) FILTER (WHERE reporting))::numeric,
         'memory_used_mib', sum(latest.memory_used_mib::float8) FILTER (WHERE reporting),
         'memory_total_mib', sum(latest.memory_used_mib::float8 + latest.memory_free_mib::float8)
                             FILTER (WHERE reporting),
         'gpu_utilization', avg(latest.gpu_utilization) FILTER (WHERE reporting),
         'newest_at', {newest_at})::text,
       {same_until}
  FROM {gpus}
  LEFT JOIN telemetry_latestsample latest ON latest.gpu_id = gpu.id,
       LATERAL (SELECT {state} AS state) s, LATERAL (SELECT state = 'reporting' AS reporting) r
 WHERE true {conditions}
"""


@dataclass(frozen=True, slots=True)
class Stats:
    """`body` is the text of a JSON object, the same until `same_until` while nothing is stored."""

    body: str
    same_until: datetime | None


def stats_json(*, cluster: str | None = None, clusters: Collection[str] | None = None) -> Stats:
    """Totals over the GPUs that report (apps/telemetry/status.py), of one cluster or of all.

    `power_draw` in W, memory in MiB, `gpu_utilization` the mean in percent; null where no reporting
    GPU has the metric. `gpus` counts every GPU that ever reported.
    """
    choice = GpuChoice(cluster=cluster, clusters=clusters)
    statement = _STATS.format(
        gpus=GPUS,
        state=STATE,
        idle_below=IDLE_BELOW,
        newest_at=time_text("max(latest.timestamp)"),
        same_until=SAME_UNTIL,
        conditions=choice.conditions,
    )
    row = fetch_one(statement, choice.parameters)
    assert row is not None, "an aggregate has one row"
    return Stats(*row)
