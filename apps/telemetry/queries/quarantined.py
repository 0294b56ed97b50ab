"""What of a GPU was refused: its dead letters."""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.sample_json import time_text

# A flood of letters is counted no further.
MAX_LETTERS = 1000
# Those of `gpu` in its own `cluster`: what another one publishes about it is not believed.
LETTERS_OF_GPU = """
telemetry_deadletter letter
 WHERE letter.uuid = gpu.uuid AND letter.uuid <> '' AND letter.cluster = cluster.slug
"""
# The record's own time, for what is replayed is old.
AT = "coalesce(letter.timestamp, letter.buried_at)"
_QUARANTINED = f"""
SELECT coalesce(json_object_agg(gpu.uuid, json_build_object(
         'count', refused.count, 'last_at', {time_text("refused.at")},
         'last_reason', refused.reason)), '{{}}')::text
  FROM telemetry_gpu gpu
  JOIN telemetry_host host ON host.id = gpu.host_id
  JOIN telemetry_cluster cluster ON cluster.id = host.cluster_id,
       LATERAL (SELECT count(*) AS count, max(at) AS at,
                       (array_agg(reason ORDER BY at DESC))[1] AS reason
                  FROM (SELECT {AT} AS at, letter.reason FROM {LETTERS_OF_GPU}
                         ORDER BY letter.buried_at DESC LIMIT {MAX_LETTERS}) letter) refused
 WHERE gpu.uuid = ANY(%(uuids)s::text[])
   AND (%(clusters)s::text[] IS NULL OR cluster.slug = ANY(%(clusters)s::text[]))
"""


def quarantined(
    uuids: Iterable[str], *, clusters: Collection[str] | None = None
) -> dict[str, dict[str, Any]]:
    """For each of these GPUs `count` (MAX_LETTERS at most), `last_at` and `last_reason`.

    `clusters` are the slugs to look at.
    """
    chosen = None if clusters is None else list(clusters)
    row = fetch_one(_QUARANTINED, {"uuids": list(uuids), "clusters": chosen})
    assert row is not None, "an aggregate has one row"
    found: dict[str, dict[str, Any]] = msgspec.json.decode(row[0])
    return found
