"""Fills the tables with a fleet's history, by the collector's own writer, and measures its rate.

Import it after django.setup().
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.telemetry.ingest import store
from apps.telemetry.records import Record

CLUSTER = "default"
GPUS_PER_HOST = 8
# A batch as a busy collector takes it.
BATCH = 10_000
# So many values, drawn once, are enough that neighbours differ; drawing costs more than storing.
DRAWN = 4096


@dataclass
class Written:
    """What `store` took: all samples, and seconds spent in it, not in making records."""

    samples: int = 0
    seconds: float = 0.0


def uuid_of(gpu: int) -> str:
    """The UUID of the fleet's GPU of that number."""
    return f"GPU-{gpu:08x}-86f3-7a43-b711-4771313afc50"


def load(gpus: int, instants: list[datetime], written: Written) -> Iterator[Written]:
    """Store a sample of each GPU at each instant, in their order; yields after each batch."""
    batch: list[Record] = []
    for number, instant in enumerate(instants):
        for gpu in range(gpus):
            batch.append(_record(gpu, number, instant))
            if len(batch) == BATCH:
                yield _store(batch, written)
                batch = []
    if batch:
        yield _store(batch, written)


def _store(batch: list[Record], written: Written) -> Written:
    started = time.perf_counter()
    store(CLUSTER, batch)
    written.seconds += time.perf_counter() - started
    written.samples += len(batch)
    return written


_rng = random.Random(1)
_DRAWN = [
    (
        float(_rng.randrange(101)),
        float(_rng.randrange(101)),
        float(_rng.randrange(30, 85)),
        round(_rng.uniform(60, 700), 3),
        float(_rng.randrange(81_559)),
    )
    for _ in range(DRAWN)
]


def _record(gpu: int, number: int, instant: datetime) -> Record:
    """The ten metrics whose bytes `storage_raw_bytes` counts too."""
    busy, memory, temperature, power, used = _DRAWN[(gpu * 31 + number) % DRAWN]
    # Each exporter has an instant of its own.
    jitter = timedelta(microseconds=(gpu * 7919) % 900_000)
    return Record(
        timestamp=instant + jitter,
        gpu_id=gpu % GPUS_PER_HOST,
        hostname=f"node-{gpu // GPUS_PER_HOST}",
        uuid=uuid_of(gpu),
        device=f"nvidia{gpu % GPUS_PER_HOST}",
        model_name="NVIDIA H100 80GB HBM3",
        gpu_utilization=busy,
        memory_utilization=memory,
        temperature=temperature,
        power_draw=power,
        memory_used_mib=used,
        memory_free_mib=81_559.0 - used,
        sm_clock_mhz=1980.0,
        memory_clock_mhz=2619.0,
        encoder_utilization=0.0,
        decoder_utilization=0.0,
    )
