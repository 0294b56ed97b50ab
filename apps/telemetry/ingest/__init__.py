"""The only writer of samples.

`store` registers GPUs that are new or have changed (registration, inventory, facts), makes the rows
(rows, merging) and stores them with the latest sample of each GPU (store, statements). Where
PostgreSQL refuses that, `refused` tells which records it will not have (trial).
"""

from apps.telemetry.channel import CHANNEL
from apps.telemetry.ingest.store import Stored, store
from apps.telemetry.ingest.trial import refused

__all__ = ["CHANNEL", "Stored", "refused", "store"]
