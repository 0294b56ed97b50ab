"""A streamer's connection to the queue: its publisher, its presence, its share of the work."""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.mq import Group, Publisher
from telemetry_project.queue import queue_config
from workers.observability.queue_metrics import QueueMetrics
from workers.signals import grace_period
from workers.streamer.parts import PART_BYTES
from workers.streamer.report import Report
from workers.streamer.shares import Alone, Shared, Shares
from workers.streamer.streamer import Discard, MessagePublisher

logger = logging.getLogger(__name__)

ROLE = "streamer"
# The group of those who share nothing.
NO_GROUP = "alone"
GRACE_S = 4.0  # with one call's ETCD_TIMEOUT_S this stays under ten seconds


@dataclass
class Session:
    """What a streamer holds while it runs; `published` tells how many records are in the queue."""

    publisher: MessagePublisher
    shares: Shares
    published: Callable[[], int]
    group: Group | None = None

    @classmethod
    def open(cls, options: Mapping[str, Any], report: Report, stop: threading.Event) -> "Session":
        """By the arguments of `runstreamer`. Raises ValueError for wrong ones."""
        if options["dry_run"]:
            return cls(Discard(), Alone(), lambda: 0)
        config = queue_config(options["cluster"])
        over = grace_period(stop, GRACE_S)
        publisher = Publisher(config, over, QueueMetrics(config.quota_bytes))

        def published() -> int:
            # Uploads are published by publishers of their own, and counted as they are read.
            return report.records if options["uploads"] else publisher.acknowledged

        instance = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        name = options["group"] or NO_GROUP
        group = Group(config, ROLE, name, instance, lambda: {"published": published()})
        logger.info("publishing to cluster %s at %s", config.cluster, ",".join(config.endpoints))
        group.start()
        if name == NO_GROUP:
            return cls(publisher, Alone(), published, group)
        group.wait_joined()
        return cls(publisher, Shared(group, PART_BYTES, over), published, group)

    def close(self) -> None:
        """Leave, and disconnect."""
        if self.group:
            self.group.close()
        self.publisher.close()
