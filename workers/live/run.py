"""Sampling live sources at an interval into the queue, until told to stop."""

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count

from workers.live import metrics
from workers.live.entry import Entry
from workers.live.samplers import Outcome, Samplers
from workers.live.source import LiveSource
from workers.live.ticks import first_tick
from workers.sources.draft import Draft, messages_of
from workers.sources.source import SourceError
from workers.streamer.report import Report
from workers.streamer.streamer import MessagePublisher

# Sources are looked for, and `stop` is looked at, this often at least.
REFRESH_S = 1.0
GLANCE_S = 0.2
# Records wait this long for others, so that few targets do not mean many small transactions.
LINGER_S = 0.1
BATCH_SIZE = 1000

FindSources = Callable[[], Sequence[LiveSource]]


def run_live(
    sources: FindSources,
    publisher: MessagePublisher,
    report: Report,
    stop: threading.Event,
    interval_s: float,
    is_mine: Callable[[str], bool] = lambda _name: True,
) -> int:
    """Sample every source once per interval; returns how many records were published.

    `sources` is called about once a second and tells what there is now; a source it gives again is
    the same object. `is_mine` decides by name, tick by tick, for sources that are shared. A source
    that cannot be asked is logged once, and once when it is back. Once `stop` is set, what has
    arrived is published and acknowledged. What the publisher raises passes through.
    """
    run = LiveRun(sources, publisher, report, interval_s, is_mine)
    try:
        while not stop.is_set():
            run.step()
        run.publish()
    finally:
        run.close()
    return run.published


class LiveRun:
    """The sources of one run and what is due; for one thread."""

    def __init__(
        self,
        find_sources: FindSources,
        publisher: MessagePublisher,
        report: Report,
        interval_s: float,
        is_mine: Callable[[str], bool],
    ) -> None:
        self._find_sources = find_sources
        self._publisher = publisher
        self._report = report
        self._interval_s = interval_s
        self._is_mine = is_mine
        self._samplers = Samplers()
        self._entries: dict[str, Entry] = {}
        self._due: list[tuple[float, int, Entry]] = []
        self._order = count()
        self._refresh_at = 0.0
        self._drafts: list[Draft] = []
        self._publish_at = 0.0
        self.published = 0

    def step(self) -> None:
        """Begin what is due, take what is done, publish what has waited long enough."""
        now = time.monotonic()
        if now >= self._refresh_at:
            self._refresh_at = now + REFRESH_S
            self._refresh(now)
        self._begin_due(now)
        for outcome in self._samplers.outcomes(self._wait_s()):
            self._take(outcome)
        if len(self._drafts) >= BATCH_SIZE or time.monotonic() >= self._publish_at:
            self.publish()

    def publish(self) -> None:
        """Publish what has arrived and wait until it is acknowledged."""
        if self._drafts:
            drafts, self._drafts = self._drafts, []
            self._publisher.publish(messages_of(drafts))
            self._publisher.flush()
            self.published += len(drafts)

    def close(self) -> None:
        """Let go of every source."""
        self._samplers.close()
        for name in list(self._entries):
            self._remove(name)

    def _refresh(self, now: float) -> None:
        found = {source.name: source for source in self._find_sources()}
        for name, entry in list(self._entries.items()):
            if found.get(name) is not entry.source:
                self._remove(name)
        for name in found.keys() - self._entries.keys():
            entry = Entry(found[name], first_tick(name, self._interval_s, now))
            self._entries[name] = entry
            self._push(entry)
            metrics.SOURCES.inc()

    def _remove(self, name: str) -> None:
        entry = self._entries.pop(name)
        entry.gone = True
        entry.forget_outage()
        entry.source.close()
        metrics.SOURCES.dec()

    def _begin_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, _, entry = heapq.heappop(self._due)
            if not entry.gone:
                self._tick(entry, now)
                self._push(entry)

    def _tick(self, entry: Entry, now: float) -> None:
        missed = entry.advance(self._interval_s, now)
        if entry.source.shared and not self._is_mine(entry.source.name):
            entry.forget_outage()
            return
        if entry.busy:
            missed += 1
        else:
            entry.busy = True
            self._samplers.begin(entry)
        metrics.MISSED.inc(missed)

    def _push(self, entry: Entry) -> None:
        heapq.heappush(self._due, (entry.due, next(self._order), entry))

    def _take(self, outcome: Outcome) -> None:
        entry, result = outcome
        entry.busy = False
        if entry.gone:
            return
        if isinstance(result, SourceError):
            entry.failed(result, time.monotonic())
            return
        entry.answered(time.monotonic())
        self._report.add(result)
        if not self._drafts:
            self._publish_at = time.monotonic() + LINGER_S
        self._drafts += result.drafts

    def _wait_s(self) -> float:
        """How long nothing needs to be done, unless a sample is done before that."""
        until = [self._refresh_at]
        if self._due:
            until.append(self._due[0][0])
        if self._drafts:
            until.append(self._publish_at)
        return max(0.0, min(GLANCE_S, min(until) - time.monotonic()))
