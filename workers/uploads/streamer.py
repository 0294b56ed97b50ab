"""The streamer of uploads: takes what waits within half a second, one at a time."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection

from apps.mq import Publisher, QueueConfig
from apps.mq.outage import Outage
from apps.telemetry import uploads
from apps.telemetry.models import Upload
from apps.telemetry.upload_files import StorageFailed
from workers.streamer.report import Report
from workers.streamer.streamer import MessagePublisher
from workers.uploads.drained import Drained
from workers.uploads.lock import held
from workers.uploads.streaming import UploadStreaming
from workers.uploads.watch import UploadWatch

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
GRACE_S = 4.0  # with one call's ETCD_TIMEOUT_S this stays under ten seconds
TIDY_EVERY_S = 3600.0
STRAY_AFTER = timedelta(days=1)

PublisherFactory = Callable[[threading.Event], MessagePublisher]


def run_uploads(config: QueueConfig, stop: threading.Event, report: Report) -> None:
    """Stream the uploads of a cluster until `stop`. Raises EtcdError if etcd refuses for good."""
    with closing(Drained(config)) as drained:
        UploadStreamer(
            config.cluster, lambda give_up: Publisher(config, give_up), drained.look, report, stop
        ).run()


class UploadStreamer:
    """One of any number that share a cluster's uploads; for one thread.

    `make_publisher` gets the event that ends the publisher's waits.
    """

    def __init__(
        self,
        cluster: str,
        make_publisher: PublisherFactory,
        look_at_queue: Callable[[], None],
        report: Report,
        stop: threading.Event,
    ) -> None:
        self._cluster = cluster
        self._make_publisher = make_publisher
        self._look_at_queue = look_at_queue
        self._report = report
        self._stop = stop
        self._outage = Outage("uploads", logger)
        self._tidy_at = 0.0

    def run(self) -> None:
        """Take upload after upload until told to stop; waits while PostgreSQL is away."""
        try:
            while not self._stop.is_set():
                if not self._step_if_possible():
                    self._stop.wait(LOOK_EVERY_S)
        finally:
            connection.close()

    def _step_if_possible(self) -> bool:
        try:
            busy = self.step()
            self._look_at_queue()
            self.tidy()
        except (DatabaseError, InterfaceError) as error:
            self._outage.begin(error)
            connection.close()
            return False
        self._outage.end()
        return busy

    def step(self) -> bool:
        """Stream one upload; False if there is none that nobody has. Raises DatabaseError."""
        for upload_id in uploads.to_do(self._cluster):
            with held(upload_id) as is_ours:
                upload = uploads.take(upload_id) if is_ours else None
                if upload is not None:
                    self._stream(upload)
                    return True
        return False

    def tidy(self) -> None:
        """Now and then delete files that nobody needs any more. Raises DatabaseError."""
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + TIDY_EVERY_S
        try:
            uploads.remove_strays(datetime.now(UTC) - STRAY_AFTER)
        except StorageFailed as error:
            logger.warning("%s", error)

    def _stream(self, upload: Upload) -> None:
        logger.info("streaming upload %s (%s)", upload.pk, upload.filename)
        with (
            UploadWatch(upload.pk, self._stop, GRACE_S) as watch,
            closing(self._make_publisher(watch.give_up)) as publisher,
        ):
            UploadStreaming(upload, publisher, self._report, watch, self._stop).run()
