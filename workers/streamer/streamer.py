"""Streaming: records of the sources, restamped, encoded and handed to the queue in batches."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from apps.mq import Message
from workers.restamp import Restamp
from workers.sources.draft import Draft, messages_of
from workers.sources.source import Source, SourceError
from workers.streamer.pace import Pace
from workers.streamer.progress import Progress
from workers.streamer.report import Report

IDLE_PASS_S = 1.0


class MessagePublisher(Protocol):
    """What is needed of `apps.mq.Publisher`."""

    @property
    def acknowledged(self) -> int:
        """Messages that are safely in the queue."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Hand messages over; may block."""

    def flush(self) -> None:
        """Wait until all are acknowledged."""

    def close(self) -> None:
        """Disconnect."""


class Discard:
    """Publishes nothing: for a dry run."""

    acknowledged = 0

    def publish(self, messages: Sequence[Message]) -> None:
        """Drop them."""

    def flush(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        """Nothing to disconnect."""


class Streamer:
    """Reads sources one after another; for one thread.

    Once `stop` is set it reads no further, hands over what it has read and waits for the
    acknowledgements; only records that wait for their turn under a rate are not sent any more. The
    publisher raises PublishStopped if it cannot finish, and what else it raises passes through.
    """

    def __init__(
        self,
        publisher: MessagePublisher,
        report: Report,
        progress: Progress,
        stop: threading.Event,
        *,
        batch_size: int,
        rate: float | None = None,
        restamp: Restamp | None = None,
    ) -> None:
        self._publisher = publisher
        self._report = report
        self._progress = progress
        self._stop = stop
        self._pace = Pace(rate, stop)
        self._batch_size = self._pace.group_size(batch_size)
        self._restamp = restamp
        self._drafts: list[Draft] = []
        self._bytes_before = 0
        self._bytes_done = 0

    def run(self, find_sources: Callable[[], Sequence[Source]], *, loop: bool) -> bool:
        """One pass, or pass after pass until told to stop; whether the last one was complete.

        The sources are looked for before every pass, so new files are found by the next one.
        """
        while True:
            rows_before = self._report.rows_read
            complete = self.run_pass(find_sources())
            if not loop or self._stop.is_set():
                break
            if self._report.rows_read == rows_before:
                self._stop.wait(IDLE_PASS_S)
        self._publisher.flush()
        return complete

    def run_pass(self, sources: Sequence[Source]) -> bool:
        """Stream every source once; False if told to stop before the end."""
        if self._restamp:
            self._restamp.new_pass()
        sizes = [source.total_bytes for source in sources]
        known = [size for size in sizes if size is not None]
        self._progress.begin_pass(sum(known) if len(known) == len(sizes) else None)
        self._bytes_before = self._bytes_done = 0
        complete = all(self.stream(source) for source in sources)
        return self.publish_rest() and complete

    def stream(self, source: Source) -> bool:
        """Stream one source; False if told to stop before its end.

        A source that cannot be read is reported and counts as done.
        """
        try:
            for chunk in source.chunks():
                if self._stop.is_set():
                    return False
                self._report.add(chunk)
                self._drafts += chunk.drafts
                self._bytes_done = self._bytes_before + chunk.bytes_done
                self._progress.update(self._bytes_done)
                if not self.publish_batches():
                    return False
        except SourceError as error:
            self._report.source_failed(error)
        self._bytes_before = self._bytes_done
        return True

    def publish_batches(self) -> bool:
        """Publish as many full batches as were read; False if told to stop before that."""
        size = self._batch_size
        full = len(self._drafts) - len(self._drafts) % size
        ready, self._drafts = self._drafts[:full], self._drafts[full:]
        return all(self.publish(ready[at : at + size]) for at in range(0, full, size))

    def publish_rest(self) -> bool:
        """Publish what is left of a pass; False if told to stop before that."""
        rest, self._drafts = self._drafts, []
        return not rest or self.publish(rest)

    def publish(self, drafts: Sequence[Draft]) -> bool:
        """Publish one batch when its time has come; False if told to stop before that."""
        if not self._pace.wait(len(drafts)):
            return False
        if self._restamp:
            drafts = [self._restamp.apply(draft) for draft in drafts]
        self._publisher.publish(messages_of(drafts))
        self._progress.update(self._bytes_done)
        return True
