"""The registry: the key of each GPU that reports, known or registered on the spot.

What is new or has changed goes through apps/telemetry/ingest/inventory.py first, in a transaction
of its own; what is known costs a look into a dictionary.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.telemetry.ingest.facts import Facts, facts_of, raw_facts_of
from apps.telemetry.ingest.inventory import register
from apps.telemetry.models import Gpu
from apps.telemetry.records import Record

# What another process or a person changed is noticed after this long.
REFRESH_S = 60.0
# About 1 kB each: what a process may remember.
MAX_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class KnownGpu:
    """A registered GPU; a record with facts in `settled`, or an older one, adds nothing."""

    gpu_id: int
    cluster: str
    described_at: datetime
    settled: frozenset[Facts]

    def settles(self, cluster: str, record: Record) -> bool:
        """Whether the record needs no look at the inventory."""
        return self.cluster == cluster and (
            raw_facts_of(record) in self.settled or record.timestamp < self.described_at
        )


class Registry:
    """The GPUs that this process knows, by UUID."""

    def __init__(self) -> None:
        self._known: dict[str, KnownGpu] = {}
        self._refresh_at = 0.0

    def forget(self) -> None:
        """Look everything up again: a GPU that was known is gone from the database."""
        self._known = {}

    def gpu_ids(self, cluster: str, records: Sequence[Record]) -> tuple[list[int], int]:
        """The key of each record's GPU, and how many GPUs were new or had changed."""
        self._expire()
        known = self._known
        unsettled = [
            record
            for record in records
            if not ((gpu := known.get(record.uuid)) and gpu.settles(cluster, record))
        ]
        changed = 0
        if unsettled:
            gpus, changed = register(cluster, unsettled)
            known |= _remember(gpus, unsettled)
        return [known[record.uuid].gpu_id for record in records], changed

    def _expire(self) -> None:
        now = time.monotonic()
        if now >= self._refresh_at or len(self._known) > MAX_REMEMBERED:
            self.forget()
            self._refresh_at = now + REFRESH_S


def _remember(gpus: Sequence[Gpu], records: Sequence[Record]) -> dict[str, KnownGpu]:
    """What is known after a registration: which of the facts just reported are settled by it.

    Facts that an outdated record gave are not: a newer record with the same may follow.
    """
    reported: dict[str, set[Facts]] = {}
    for record in records:
        reported.setdefault(record.uuid, set()).add(facts_of(record))
    return {gpu.uuid: _known(gpu, reported[gpu.uuid]) for gpu in gpus}


def _known(gpu: Gpu, reported: set[Facts]) -> KnownGpu:
    facts = Facts.of_gpu(gpu)
    settled = frozenset(report for report in reported if report.adds_nothing_to(facts))
    return KnownGpu(gpu.pk, gpu.host.cluster.slug, gpu.described_at, settled)
