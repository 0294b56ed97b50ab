"""A fleet that reports once a second: `python -m benchmarks.live_ticks TICKS`.

Stores each tick in one transaction, as a collector does. Prints, as JSON, when each was committed:
Unix times by the `timestamp` of the samples.
"""

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from apps.telemetry.records import Record

GPUS = 250


def main(ticks: int) -> None:
    """Store one tick, whose GPUs are registered by it, then one each second."""
    django.setup()
    from apps.telemetry.ingest import store  # noqa: PLC0415, after setup

    commits = {}
    for tick in range(ticks + 1):
        started = time.time()
        now = datetime.now(UTC)
        store("default", _records(now, tick))
        committed = time.time()
        if tick:
            commits[now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")] = committed
        else:
            print("ready", flush=True)  # noqa: T201, its output is the result
            sys.stdin.readline()
        time.sleep(max(0.0, started + 1 - time.time()))
    print(json.dumps(commits), flush=True)  # noqa: T201


def _records(now: datetime, tick: int) -> "list[Record]":
    from apps.telemetry.records import Record  # noqa: PLC0415

    return [
        Record(
            timestamp=now, gpu_id=gpu % 8, hostname=f"node-{gpu // 8}", uuid=f"GPU-{gpu:08d}",
            device=f"nvidia{gpu % 8}", model_name="NVIDIA H100 80GB HBM3",
            gpu_utilization=float((tick + gpu) % 101), memory_utilization=58.0,
            temperature=65.0, power_draw=70 + (tick * 13 + gpu * 7) % 63000 / 100,
            memory_used_mib=76876.0, memory_free_mib=4162.0, sm_clock_mhz=1290.0,
            memory_clock_mhz=1593.0,
        )
        for gpu in range(GPUS)
    ]  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]))
