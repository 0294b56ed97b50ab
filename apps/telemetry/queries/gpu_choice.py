"""Which GPUs a read is about: the filters that every face of the API has, as SQL."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

# The tables that the conditions speak of.
GPUS = """telemetry_gpu gpu
  JOIN telemetry_host host ON host.id = gpu.host_id
  JOIN telemetry_cluster cluster ON cluster.id = host.cluster_id"""


@dataclass(frozen=True, slots=True)
class GpuChoice:
    """Filters, all of which must match; None leaves a filter out.

    `model` is a part of the model's name, in any case. `clusters` are the slugs that the caller
    may see: what lies in another is not there.
    """

    cluster: str | None = None
    hostname: str | None = None
    uuid: str | None = None
    model: str | None = None
    clusters: Collection[str] | None = None
    uuids: Collection[str] | None = None

    @property
    def conditions(self) -> str:
        """`AND …` for each filter that is given, so that PostgreSQL plans for these alone."""
        of = {
            "cluster": "cluster.slug = %(cluster)s::text",
            "hostname": "host.hostname = %(hostname)s::text",
            "uuid": "gpu.uuid = %(uuid)s::text",
            "model": "strpos(lower(gpu.model_name), lower(%(model)s::text)) > 0",
            "uuids": "gpu.uuid = ANY(%(uuids)s::text[])",
            "clusters": "cluster.slug = ANY(%(clusters)s::text[])",
        }
        return " ".join(f"AND {sql}" for name, sql in of.items() if getattr(self, name) is not None)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the conditions name."""
        return {
            "cluster": self.cluster,
            "hostname": self.hostname,
            "uuid": self.uuid,
            "model": self.model,
            "uuids": None if self.uuids is None else list(self.uuids),
            "clusters": None if self.clusters is None else list(self.clusters),
        }


EVERY_GPU = GpuChoice()
