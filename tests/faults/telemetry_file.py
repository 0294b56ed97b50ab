"""Files of telemetry in which every value is known: what streamers send and the oracle expects."""

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

# Values that every column keeps exactly, single precision included.
METRICS = (
    "gpu_utilization",
    "temperature",
    "power_draw",
    "memory_used_mib",
    "energy_consumption_mj",
)
COLUMNS = ("timestamp", "hostname", "gpu_id", "uuid", "model_name", *METRICS)
GPUS_PER_HOST = 8
# Names as long as those of real clusters: a message is then about as large as theirs.
DOMAIN = "row-12.rack-07.hall-b.gpu.compute.training-cluster-1.example.internal"
START = datetime(2026, 1, 5, tzinfo=UTC)

Key = tuple[str, datetime]
Values = tuple[float, ...]


def write(path: Path, name: str, rows: int, seed: int, gpus: int = 40) -> None:
    """About `rows` rows of a fleet that nobody else has: whole seconds of `gpus` GPUs."""
    draw = random.Random(f"{seed}/{name}")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for second in range(max(1, rows // gpus)):
            timestamp = (START + timedelta(seconds=second)).isoformat()
            for gpu in range(gpus):
                writer.writerow((timestamp, *_identity(name, gpu), *_draw(draw)))


def _identity(name: str, gpu: int) -> tuple[str, int, str, str]:
    host, index = divmod(gpu, GPUS_PER_HOST)
    return f"{name}-{host}.{DOMAIN}", index, f"GPU-{name}-{gpu}", "NVIDIA H100 80GB HBM3"


def _draw(draw: random.Random) -> tuple[float, ...]:
    return (
        draw.randint(0, 100),
        draw.randint(20, 95),
        round(draw.uniform(60, 700), 3),
        draw.randint(0, 81_559),
        draw.randint(0, 2**40),
    )


def read(path: Path) -> dict[Key, Values]:
    """Every record of a file by GPU and time, read without the product's code."""
    with path.open(newline="") as file:
        return {
            (row["uuid"], datetime.fromisoformat(row["timestamp"])): tuple(
                float(row[name]) for name in METRICS
            )
            for row in csv.DictReader(file)
        }
