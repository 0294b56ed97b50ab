"""A collector for the concurrency test: `python -m tests.integration.store_fleet SEED`.

Waits for the lock GATE, then stores the records of the whole fleet in an order and in batches of
its own. Prints what it registered.
"""

import random
import sys

import django

GATE = 20250718
GPUS = 64
SECONDS = 6


def main(seed: int) -> None:
    """Store everything once."""
    django.setup()
    from django.db import connection  # noqa: PLC0415, after setup

    from apps.telemetry.ingest import store  # noqa: PLC0415
    from tests.integration.records import record  # noqa: PLC0415

    pairs = [(gpu, second) for gpu in range(GPUS) for second in range(SECONDS)]
    shuffled = random.Random(seed)
    shuffled.shuffle(pairs)
    # Half of the metrics in one collector, half in another: all must merge.
    metric = "power_draw" if seed % 2 else "temperature"
    records = [record(gpu, second * 50_000, **{metric: gpu}) for gpu, second in pairs]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [GATE])
    for first in range(0, len(records), 50):
        store("lab", records[first : first + 50])


if __name__ == "__main__":
    main(int(sys.argv[1]))
