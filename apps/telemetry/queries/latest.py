"""The latest sample of every GPU: the fleet view, which never touches history."""

from collections.abc import Iterable

from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.sample_json import COLUMNS, checked_columns, sample_fields

_LATEST = """
SELECT coalesce(string_agg(row_to_json(fields)::text, ',' ORDER BY
                           cluster.slug, host.hostname, gpu.gpu_index, gpu.uuid), ''),
       count(*)
  FROM telemetry_latestsample latest
  JOIN telemetry_gpu gpu ON gpu.id = latest.gpu_id
  JOIN telemetry_host host ON host.id = gpu.host_id
  JOIN telemetry_cluster cluster ON cluster.id = host.cluster_id,
       LATERAL (SELECT gpu.uuid, cluster.slug AS cluster, host.hostname, gpu.gpu_index AS gpu_id,
                       gpu.device, gpu.model_name, {fields}) fields
 WHERE (%(cluster)s::text IS NULL OR cluster.slug = %(cluster)s::text)
   AND (%(hostname)s::text IS NULL OR host.hostname = %(hostname)s::text)
"""


def latest_json(
    *,
    cluster: str | None = None,
    hostname: str | None = None,
    columns: Iterable[str] = COLUMNS,
) -> tuple[str, int]:
    """A JSON array of the newest sample of each GPU that has one, and its length.

    Each object has `uuid`, `cluster`, `hostname`, `gpu_id` (the index within the host), `device`,
    `model_name`, `timestamp` and `columns`; by cluster, host and index. Raises UnknownColumn.
    """
    statement = _LATEST.format(fields=sample_fields("latest", checked_columns(columns)))
    row = fetch_one(statement, {"cluster": cluster, "hostname": hostname})
    assert row is not None, "an aggregate has one row"
    lines, count = row
    return f"[{lines}]", count
