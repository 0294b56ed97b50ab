"""The loop: while one take is stored, the next is decoded and the one before acknowledged."""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import UTC, datetime

from apps.mq import Batch, Consumer
from workers.collector.acknowledging import LINGER_S, Acknowledging
from workers.collector.decoding import Decoded, decode_batches
from workers.collector.patience import StoringStopped
from workers.collector.storing import Storing
from workers.observability import metrics

logger = logging.getLogger(__name__)

TAKE_TIMEOUT_S = 0.5
REPORT_EVERY_S = 10.0
# Many small batches are one transaction all the same, but not without end.
MAX_BATCHES = 64


class Collector:
    """Takes, decodes, stores, acknowledges, in this order; for one thread.

    `batch_size` is about how many records one database transaction takes. `earliest` is the oldest
    time a record may have.
    """

    def __init__(
        self, consumer: Consumer, storing: Storing, *, batch_size: int, earliest: datetime
    ) -> None:
        self._consumer = consumer
        self._storing = storing
        self._batch_size = batch_size
        self._earliest = earliest
        # The first take is one batch; what it held tells how many the next should be.
        self._messages_per_batch = float(batch_size)
        self._reported = (0, 0)
        self._report_at = 0.0
        self.stored = 0
        self.buried = 0

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish what is in hand.

        An unexpected error in taking or acknowledging ends it: what was not acknowledged is
        delivered again. Storing raises none.
        """
        self._report_at = time.monotonic() + REPORT_EVERY_S
        with (
            ThreadPoolExecutor(max_workers=1, thread_name_prefix="acknowledging") as acks,
            ThreadPoolExecutor(max_workers=1, thread_name_prefix="storing") as writer,
        ):
            try:
                self._work(stop, writer, Acknowledging(self._consumer, acks))
            finally:
                writer.submit(self._storing.close)

    def _work(self, stop: threading.Event, writer: Executor, acknowledging: Acknowledging) -> None:
        writing: Future[None] | None = None
        while not stop.is_set():
            is_idle = writing is None and not acknowledging.is_lingering
            batches = self.take(TAKE_TIMEOUT_S if is_idle else LINGER_S)
            decoded = self.decode(batches)
            if writing is not None and (batches or writing.done()):
                writing.result()
                writing = None
            if batches:
                writing = writer.submit(self.finish, batches, decoded, acknowledging)
            elif writing is None:
                acknowledging.send()
            self._report()
        if writing is not None:
            writing.result()
        acknowledging.finish()

    def take(self, timeout_s: float) -> list[Batch]:
        """About `batch_size` messages, if batches are as large as those of the last take."""
        wanted = round(self._batch_size / self._messages_per_batch)
        batches = self._consumer.take(min(MAX_BATCHES, max(1, wanted)), timeout_s)
        if batches:
            messages = sum(len(batch.messages) for batch in batches)
            self._messages_per_batch = max(1.0, messages / len(batches))
        return batches

    def decode(self, batches: Sequence[Batch]) -> Decoded:
        """Records and what cannot be one."""
        if not batches:
            return Decoded()
        with metrics.DECODE_S.time():
            return decode_batches(batches, self._earliest, datetime.now(UTC))

    def finish(
        self, batches: Sequence[Batch], decoded: Decoded, acknowledging: Acknowledging
    ) -> None:
        """Store, and only then acknowledge. When stopped first, give the batches back.

        The next take need not wait for the acknowledgement, which is etcd's to write to disk.
        """
        try:
            buried = self._storing.store(decoded)
        except StoringStopped as error:
            logger.warning("%d records stay in the queue: %s", len(decoded.records), error)
            self._consumer.release(batches)
            return
        _measure_lag(batches)
        self.stored += len(decoded.records) + len(decoded.unstorable) - buried
        self.buried += buried
        acknowledging.add(batches)

    def _report(self) -> None:
        if time.monotonic() < self._report_at:
            return
        self._report_at = time.monotonic() + REPORT_EVERY_S
        now = (self.stored, self.buried)
        if now != self._reported:
            logger.info(
                "%d records stored (%.0f/s), %d dead letters",
                self.stored,
                (self.stored - self._reported[0]) / REPORT_EVERY_S,
                self.buried,
            )
            self._reported = now


def _measure_lag(batches: Sequence[Batch]) -> None:
    """The keys tell when a batch was published."""
    now = time.time()
    metrics.STORED_AT.set(now)
    for batch in batches:
        # The clock of the machine that published it may be ahead.
        metrics.LAG_S.observe(max(0.0, now - batch.timestamp / 1e9))
