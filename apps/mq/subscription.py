"""Publish/subscribe beside the work queue: every listener sees every new batch."""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from apps.mq.config import QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import EtcdError
from apps.mq.etcd.watch import Watch
from apps.mq.keys import Keys
from apps.mq.messages import Received
from apps.mq.reading import present_revision

# What may wait for a slow listener before it is told that it missed some.
MAX_WAITING_BYTES = 64 << 20


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
    """Follows new batches until `close()`: all that are published after it was made, or from
    `start_revision` on. Making it raises EtcdError.

    It takes nothing off the queue. A listener that is slower than the publishers gets `Missed` in
    place of the oldest batches that it did not keep up with, and so does one whose revision etcd
    has compacted. It rides out restarts of etcd.
    """

    def __init__(self, config: QueueConfig, start_revision: int = 0) -> None:
        self._client = EtcdClient(config)
        self._keys = Keys(config.cluster)
        self._changed = threading.Condition()
        self._waiting: deque[Published | Missed] = deque()
        self._waiting_bytes = 0
        self._missed = 0
        self._closed = False
        try:
            start = start_revision or present_revision(self._client, self._keys) + 1
        except EtcdError:
            self._client.close()
            raise
        self._watch = Watch(
            self._client, self._keys.queue, self._on_events, self._on_gap, start, puts_only=True
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
            return self._pop() if self._waiting else None

    def close(self) -> None:
        """Stop following; an iteration ends."""
        self._watch.stop()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._client.close()

    def _on_events(self, events: list[Any]) -> None:
        stamp = self._keys.message_timestamp
        ours = (event.kv for event in events if stamp(event.kv.key) is not None)
        for revision, group in groupby(ours, key=lambda kv: kv.mod_revision):
            self._offer(Published(revision, tuple(Received(kv.key, kv.value) for kv in group)))

    def _on_gap(self, revision: int) -> None:
        self._offer(Missed(revision))

    def _offer(self, item: Published | Missed) -> None:
        with self._changed:
            self._waiting.append(item)
            self._waiting_bytes += _size_bytes(item)
            while self._waiting_bytes > MAX_WAITING_BYTES and len(self._waiting) > 1:
                self._missed = self._pop().revision
            self._changed.notify()

    def _pop(self) -> Published | Missed:
        item = self._waiting.popleft()
        self._waiting_bytes -= _size_bytes(item)
        return item


def _size_bytes(item: Published | Missed) -> int:
    if isinstance(item, Missed):
        return 0
    return sum(len(message.key) + len(message.value) for message in item.messages)
