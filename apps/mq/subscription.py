"""Publish/subscribe beside the work queue: every listener sees every new batch."""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from apps.mq.config import QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.watch import Watch
from apps.mq.keys import Keys
from apps.mq.messages import Received

# Batches that wait for a slow listener before it is told that it missed some.
MAX_WAITING = 1000


@dataclass(frozen=True)
class Published:
    """The messages of one batch, in key order; `revision` orders batches."""

    revision: int
    messages: tuple[Received, ...]


@dataclass(frozen=True)
class Missed:
    """Batches up to this revision, at the most, were not delivered to this listener."""

    revision: int


class Subscription:
    """Follows new batches until `close()`.

    It takes nothing off the queue. A listener that is slower than the publishers gets `Missed` in
    place of the oldest batches that it did not keep up with.
    """

    def __init__(self, config: QueueConfig, start_revision: int = 0) -> None:
        self._client = EtcdClient(config)
        self._keys = Keys(config.cluster)
        self._changed = threading.Condition()
        self._waiting: deque[Published | Missed] = deque()
        self._missed = 0
        self._closed = False
        self._watch = Watch(
            self._client, self._keys.queue, self._on_events, self._on_gap, start_revision, True
        )
        self._watch.start()

    def __iter__(self) -> Iterator[Published | Missed]:
        while not self._closed:
            if (item := self.get(timeout_s=1.0)) is not None:
                yield item

    def get(self, timeout_s: float) -> Published | Missed | None:
        """The next item, None when there is none in time or the subscription is closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._missed or self._closed, timeout=timeout_s
            )
            if self._missed:
                item = Missed(self._missed)
                self._missed = 0
                return item
            return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        """Stop following; an iteration ends."""
        self._watch.stop()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._client.close()

    def _on_events(self, events: list[Any]) -> None:
        for revision, group in groupby(events, key=lambda event: event.kv.mod_revision):
            messages = tuple(Received(event.kv.key, event.kv.value) for event in group)
            self._offer(Published(revision, messages))

    def _on_gap(self, revision: int) -> None:
        self._offer(Missed(revision))

    def _offer(self, item: Published | Missed) -> None:
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                self._missed = self._waiting.popleft().revision
            self._waiting.append(item)
            self._changed.notify()
