"""What a streamer has done so far: counts, the first rejected rows, the sources that failed."""

import logging
from collections import Counter
from dataclasses import dataclass, field

from workers.observability import metrics
from workers.sources.source import Chunk, Rejection, SourceError

logger = logging.getLogger(__name__)

LOGGED_PER_SOURCE = 20
SHOWN = 20


@dataclass(slots=True)
class Report:
    """Counts over all passes.

    `records` is what was made of the rows, published or not. Every message is logged once, also if
    a source is read again and again.
    """

    rows_read: int = 0
    rows_rejected: int = 0
    records: int = 0
    first_rejections: list[Rejection] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _rejected_by_source: Counter[str] = field(default_factory=Counter)

    def add(self, chunk: Chunk) -> None:
        """Count a chunk and log what was rejected in it."""
        self.rows_read += chunk.rows
        self.rows_rejected += len(chunk.rejections)
        self.records += len(chunk.drafts)
        metrics.ROWS_READ.inc(chunk.rows)
        metrics.ROWS_REJECTED.inc(len(chunk.rejections))
        room = SHOWN - len(self.first_rejections)
        self.first_rejections += chunk.rejections[:room]
        if chunk.rejections:
            self._log(chunk.rejections)

    def source_failed(self, error: SourceError) -> None:
        """Note that a source could not be read, or not to its end."""
        if str(error) not in self.failures:
            self.failures.append(str(error))
            metrics.SOURCE_FAILURES.inc()
            logger.error("%s", error)

    def _log(self, rejections: list[Rejection]) -> None:
        source = rejections[0].source
        before = self._rejected_by_source[source]
        self._rejected_by_source[source] += len(rejections)
        for rejection in rejections[: max(0, LOGGED_PER_SOURCE - before)]:
            logger.warning("rejected %s", rejection)
        if before <= LOGGED_PER_SOURCE < self._rejected_by_source[source]:
            logger.warning("%s: further rejected rows are counted, not listed", source)
