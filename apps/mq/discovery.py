"""How a collector learns of batches: a scan, a watch as a hint, a scan again as the truth."""

import threading
import time
from typing import Any

from apps.mq.book import Book
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.watch import Watch
from apps.mq.keys import Keys, prefix_end
from apps.mq.membership import Membership
from apps.mq.observer import SILENT, Observer
from apps.mq.ownership import owner
from apps.mq.ranges import Range
from apps.mq.reading import present_revision, scan_descriptors
from apps.mq.spans import Spans
from apps.mq.strange import StrangeKeys
from apps.mq.sweep import Sweep

HEAD_EVERY_S = 2.0
HEAD_LIMIT = 500
PAGE_LIMIT = 2000
SWEEP_EVERY_S = 1.0
# More waiting batches than this are not remembered but explored as the queue drains.
MAX_KNOWN = 20_000
# The timestamp whose owner looks for foreign messages: any constant does.
SWEEPER = 0
LAST_TIMESTAMP = (1 << 63) - 1


class Discovery:
    """What waits and is this member's to take. `look_around` and `wait` belong to one thread.

    A missed watch event costs at most HEAD_EVERY_S: whatever was missed comes to the head of the
    queue as what is before it is done, and the head is read again and again. Reading only the head
    keeps the load of an idle collector independent of the backlog.
    """

    def __init__(
        self,
        client: EtcdClient,
        keys: Keys,
        membership: Membership,
        instance: str,
        grace_s: float,
        observer: Observer = SILENT,
    ) -> None:
        self._client = client
        self._keys = keys
        self._membership = membership
        self._instance = instance
        self._observer = observer
        self._changed = threading.Condition()
        self._book = Book(instance, grace_s)
        self._spans = Spans(keys, grace_s)
        self._sweep = Sweep(client, keys)
        self._strange = StrangeKeys("{timestamp}")
        self._watch: Watch | None = None
        # From here on batches are not known yet; None when all are.
        self._unexplored: int | None = 0
        self._head_at = self._sweep_at = 0.0

    def look_around(self) -> None:
        """Do what is due: members, the head of the queue, foreign messages. Raises EtcdError."""
        now = time.monotonic()
        with self._changed:
            self._book.set_members(self._membership.view(), now)
        if self._watch is None:
            self._follow()
        self._explore(now)
        if now >= self._head_at:
            self._read_head(now)
            self._head_at = now + HEAD_EVERY_S
        # What is found must be taken before more is looked for: it would be found again.
        if now >= self._sweep_at and not self._spans:
            self._sweep_at = now + SWEEP_EVERY_S
            self._look_for_foreign(now)

    def wait(self, max_batches: int, deadline: float) -> tuple[list[int], list[Range]]:
        """Batches to take and spans of foreign messages; returns empty at `deadline` (monotonic)
        or when it is time to look around again."""
        with self._changed:
            while not (timestamps := self._book.take(max_batches)) and not self._spans:
                wait_s = min(deadline, self._head_at, self._sweep_at) - time.monotonic()
                if wait_s <= 0:
                    break
                self._changed.wait(wait_s)
            return timestamps, self._spans.take(max_batches, time.monotonic())

    def done(self, timestamp: int) -> None:
        """A batch is off the queue."""
        with self._changed:
            self._book.remove(timestamp, time.monotonic())

    def release(self, timestamps: list[int]) -> None:
        """Batches in hand go back to those that wait; foreign messages are looked for again."""
        with self._changed:
            self._book.release(timestamps)
            self._spans.release(timestamps)
            self._changed.notify()

    def put_back(self, timestamps: list[int], spans: list[Range]) -> None:
        """What `wait` returned and was not read waits again."""
        with self._changed:
            self._book.release(timestamps)
            self._spans.put_back(spans)

    def stop(self) -> None:
        """Stop following."""
        if self._watch is not None:
            self._watch.stop()

    def _follow(self) -> None:
        """Watch from before the first page is read, so that nothing falls between the two."""
        revision = present_revision(self._client, self._keys)
        self._watch = Watch(
            self._client, self._keys.batches, self._on_events, self._on_gap, revision + 1
        )
        self._watch.start()

    def _explore(self, now: float) -> None:
        """Read the next page of what is not known, as far as there is room."""
        while self._unexplored is not None and len(self._book) < MAX_KNOWN:
            start = self._keys.descriptor(self._unexplored)
            page = scan_descriptors(self._client, self._keys, start, PAGE_LIMIT)
            with self._changed:
                self._book.add(page.timestamps, now)
                self._unexplored = None if page.complete else page.timestamps[-1] + 1

    def _read_head(self, now: float) -> None:
        page = scan_descriptors(self._client, self._keys, self._keys.batches, HEAD_LIMIT)
        self._strange.report(page.strange)
        last = LAST_TIMESTAMP if page.complete else page.timestamps[-1]
        with self._changed:
            self._book.forget_missing(set(page.timestamps), last, now)
            self._book.add(page.timestamps, now)
            adopted = self._book.adopt_abandoned(now)
        if adopted:
            self._observer.adopted(adopted)

    def _look_for_foreign(self, now: float) -> None:
        members = self._membership.view() | {self._instance}
        if owner(SWEEPER, members) != self._instance:
            return
        with self._changed:
            known, in_hand = self._book.known(), self._spans.in_hand(now)
            unexplored = self._unexplored
        if unexplored is None:
            end = prefix_end(self._keys.queue)
        else:
            end = self._keys.message_prefix(unexplored)
        spans, described = self._sweep.step(known, in_hand, end)
        with self._changed:
            self._book.add(described, now)
            self._spans.add(spans)
        if spans:
            self._sweep_at = now

    def _on_events(self, events: list[Any]) -> None:
        now = time.monotonic()
        with self._changed:
            for event in events:
                timestamp = self._keys.batch_timestamp(event.kv.key)
                if timestamp is None:
                    continue
                if event.type == event.DELETE:
                    self._book.remove(timestamp, now)
                elif len(self._book) < MAX_KNOWN:
                    self._book.add([timestamp], now)
                else:
                    self._unexplored = min(timestamp, self._unexplored or LAST_TIMESTAMP)
            self._changed.notify()

    def _on_gap(self, _revision: int) -> None:
        with self._changed:
            self._unexplored, self._head_at = 0, 0.0
            self._changed.notify()
