"""Streaming: records of the sources, restamped, encoded and handed to the queue in batches."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Protocol

from apps.mq import Message
from workers.restamp import Restamp
from workers.sources.draft import Draft, messages_of
from workers.sources.source import SourceError
from workers.streamer.batches import full_batches
from workers.streamer.pace import Pace
from workers.streamer.progress import Progress
from workers.streamer.replay import Replay
from workers.streamer.report import Report
from workers.streamer.work import Task, Work

# Between two looks for work when the last one found nothing.
LOOK_EVERY_S = 0.5


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


@dataclass(frozen=True)
class Timing:
    """When records go: `rate` per second at most, each instant when `replay` has it due.

    `restamp` gives them new times.
    """

    rate: float | None = None
    replay: Replay | None = None
    restamp: Restamp | Replay | None = None


class Streamer:
    """Streams tasks one after another; for one thread.

    Once `stop` is set it reads no further, hands over what it has read and waits for the
    acknowledgements; only records that wait for their turn, under a rate or a speed, are not sent
    any more. The publisher raises PublishStopped if it cannot finish, and what else it raises
    passes through.
    """

    def __init__(
        self,
        publisher: MessagePublisher,
        report: Report,
        progress: Progress,
        stop: threading.Event,
        *,
        batch_size: int,
        timing: Timing | None = None,
    ) -> None:
        timing = timing or Timing()
        self._publisher = publisher
        self._report = report
        self._progress = progress
        self._stop = stop
        self._pace = Pace(timing.rate, stop)
        self._batch_size = self._pace.group_size(batch_size)
        self._restamp = timing.restamp
        self._replay = timing.replay
        self._drafts: list[Draft] = []
        self._bytes_before = 0
        self._bytes_done = 0

    def run(self, work: Work) -> bool:
        """Look for work and do it until it is over; False if told to stop before that."""
        complete = not self._stop.is_set()
        while complete:
            rows_before = self._report.rows_read
            tasks = work.look()
            if work.over:
                break
            complete = self.run_pass(tasks, work)
            if self._stop.is_set():
                break
            if self._report.rows_read == rows_before:
                self._stop.wait(LOOK_EVERY_S)
        self._publisher.flush()
        return complete

    def run_pass(self, tasks: Sequence[Task], work: Work) -> bool:
        """Stream every task once; False if told to stop before the end."""
        for clock in (self._restamp, self._replay):
            if clock:
                clock.new_pass()
        sizes = [task.source.total_bytes for task in tasks]
        known = [size for size in sizes if size is not None]
        self._progress.begin_pass(sum(known) if len(known) == len(sizes) else None)
        self._bytes_before = self._bytes_done = 0
        complete = all(self.stream(task, work) for task in tasks)
        return self.publish_rest() and complete

    def stream(self, task: Task, work: Work) -> bool:
        """Stream one task; False if told to stop before its end.

        A source that cannot be read is reported and counts as done.
        """
        offset = 0
        complete = False
        try:
            for chunk in task.source.chunks():
                if self._stop.is_set():
                    break
                self._report.add(chunk)
                self._drafts += chunk.drafts
                self._bytes_done = self._bytes_before + chunk.bytes_done
                self._progress.update(self._bytes_done)
                if not self.publish_batches():
                    return False
                offset = chunk.resume_at
            else:
                complete = True
                offset = offset if task.growing else max(offset, task.limit)
        except SourceError as error:
            self._report.source_failed(error)
            complete = True
            offset = 0
        if complete and not offset:
            work.give_up(task)
        self._settle(task, work, offset if complete or task.divisible else 0)
        self._bytes_before = self._bytes_done
        return complete

    def _settle(self, task: Task, work: Work, offset: int) -> None:
        """Note how far the task is read; if that lasts, only once etcd has acknowledged it."""
        if not offset:
            return
        if work.lasting:
            if not self.publish_rest():
                return
            self._publisher.flush()
        work.settle(task, offset)

    def publish_batches(self) -> bool:
        """Publish as many full batches as were read; False if told to stop before that."""
        ready, self._drafts = full_batches(self._drafts, self._batch_size)
        return all(self.publish(batch) for batch in ready)

    def publish_rest(self) -> bool:
        """Publish what is left; False if told to stop before that."""
        rest, self._drafts = self._drafts, []
        return not rest or self.publish(rest)

    def publish(self, drafts: Sequence[Draft]) -> bool:
        """Publish one batch when its time has come; False if told to stop before that."""
        return all(self._publish_due(due) for due in self._by_due_time(drafts))

    def _by_due_time(self, drafts: Sequence[Draft]) -> Iterable[Sequence[Draft]]:
        """Those of an instant together, where each instant has a time to wait for."""
        if not self._replay:
            return [drafts]
        return (list(same) for _, same in groupby(drafts, key=attrgetter("timestamp")))

    def _publish_due(self, drafts: Sequence[Draft]) -> bool:
        if self._replay and not self._replay.wait(drafts[0].timestamp):
            return False
        if not self._pace.wait(len(drafts)):
            return False
        if self._restamp:
            drafts = [self._restamp.apply(draft) for draft in drafts]
        self._publisher.publish(messages_of(drafts))
        self._progress.update(self._bytes_done)
        return True
