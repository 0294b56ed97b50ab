"""Which metrics a GPU reports: a value that is absent is told apart from one that never comes.

And from one that was refused.
"""

from enum import StrEnum

import msgspec

from apps.telemetry.metrics import METRIC_NAMES
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.quarantined import AT, LETTERS_OF_GPU

# A GPU that has not reported a metric in as many samples does not support it.
LOOKED_AT = 100


class Presence(StrEnum):
    """Of one metric of one GPU: in its newest sample, in recent ones only, or in none of them.

    Quarantined: refused, in a record of the newest sample's time or later.
    """

    MEASURED = "measured"
    BLANK = "blank"
    UNSUPPORTED = "unsupported"
    QUARANTINED = "quarantined"


_seen = ", ".join(f"bool_or(s.{name} IS NOT NULL) AS {name}" for name in METRIC_NAMES)
_states = ", ".join(
    f"'{name}', CASE WHEN '{name}' = ANY(refused.metrics) THEN '{Presence.QUARANTINED}'"
    f" WHEN latest.{name} IS NOT NULL THEN '{Presence.MEASURED}'"
    f" WHEN recent.{name} THEN '{Presence.BLANK}' ELSE '{Presence.UNSUPPORTED}' END"
    for name in METRIC_NAMES
)
_PRESENCE = f"""
SELECT json_build_object({_states})::text
  FROM telemetry_gpu gpu
  JOIN telemetry_host host ON host.id = gpu.host_id
  JOIN telemetry_cluster cluster ON cluster.id = host.cluster_id
  JOIN telemetry_latestsample latest ON latest.gpu_id = gpu.id,
       LATERAL (SELECT {_seen}
                  FROM (SELECT * FROM telemetry_sample s WHERE s.gpu_id = gpu.id
                         ORDER BY s.timestamp DESC LIMIT {LOOKED_AT}) s) recent,
       LATERAL (SELECT array_agg(split_part(reason, ':', 1)) AS metrics
                  FROM (SELECT reason FROM {LETTERS_OF_GPU} AND {AT} >= latest.timestamp
                         ORDER BY letter.buried_at DESC LIMIT {LOOKED_AT}) letter) refused
 WHERE gpu.uuid = %(uuid)s::text
"""


def presence(uuid: str) -> dict[str, Presence]:
    """Each metric's presence at a GPU; empty before its first sample.

    DCGM's markers of no value are kept as NULL, never as 0 (apps/telemetry/records.py). A record
    with a value out of bounds is a dead letter as a whole, whose reason begins with the metric.
    """
    row = fetch_one(_PRESENCE, {"uuid": uuid})
    return msgspec.json.decode(row[0], type=dict[str, Presence]) if row else {}
