"""The way from requests into the queue: published within a deadline, or refused without waiting."""

import logging
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from rest_framework.exceptions import ParseError

from apps.gateway.rest.refusals import QueueFull, QueueUnavailable
from apps.mq import (
    EtcdError,
    Message,
    MessageTooLarge,
    Publisher,
    PublishStopped,
    Queue,
    QueueConfig,
)
from apps.mq.backpressure import Fill, fullness

logger = logging.getLogger(__name__)

MEASURE_EVERY_S = 1.0
# Counting walks etcd's index: it may take a fiftieth of the time.
COST_FACTOR = 50
# After a failure one request at a time finds out whether etcd is back.
PAUSE_S = 1.0


class Deadline(threading.Event):
    """An event that is set when its time has come; `at` is of the monotonic clock."""

    at = float("inf")

    def is_set(self) -> bool:
        """Whether the time has come."""
        return time.monotonic() >= self.at

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the time, at most `timeout` seconds."""
        left_s = max(0.0, self.at - time.monotonic())
        time.sleep(left_s if timeout is None else min(timeout, left_s))
        return self.is_set()


class IngestQueue:
    """One cluster's queue for all threads of this process.

    A publisher that waits for room would hold a thread of the gateway, so its own gate is left
    open, and requests are refused here: all of them when the queue is full, and the more of them
    the nearer it is to that.
    """

    def __init__(self, config: QueueConfig, timeout_s: float) -> None:
        self._config = config
        self._timeout_s = timeout_s
        self._queue = Queue(config)
        self._idle: deque[tuple[Publisher, Deadline]] = deque()
        self._lock = threading.Lock()
        self._fullness = 0.0
        self._measure_at = self._closed_until = 0.0
        self._failed = False

    def publish(self, messages: Sequence[Message]) -> None:
        """Return when etcd has acknowledged all. Raises QueueFull, QueueUnavailable, ParseError."""
        self._enter()
        self._measure()
        if self._fullness > random.random() or self._fullness >= 1.0:
            raise QueueFull("The collectors are behind, and the queue is filling; send it later.")
        publisher, deadline = self._publisher()
        deadline.at = time.monotonic() + self._timeout_s
        try:
            publisher.publish(messages)
            publisher.flush()
        except MessageTooLarge as error:
            publisher.close()
            raise ParseError(f"{error}.") from error
        except (EtcdError, PublishStopped) as error:
            publisher.close()
            raise self._fail(error) from error
        self._failed, self._closed_until = False, 0.0
        deadline.at = float("inf")
        self._idle.append((publisher, deadline))

    def _enter(self) -> None:
        now = time.monotonic()
        with self._lock:
            if now < self._closed_until:
                raise _unavailable()
            if self._failed:
                self._closed_until = now + self._timeout_s

    def _fail(self, error: Exception) -> QueueUnavailable:
        self._failed, self._closed_until = True, time.monotonic() + PAUSE_S
        logger.warning("records were not taken: %s", error)
        return _unavailable()

    def _publisher(self) -> tuple[Publisher, Deadline]:
        try:
            return self._idle.pop()
        except IndexError:
            deadline = Deadline()
            never_full = replace(self._config, max_depth=sys.maxsize, quota_bytes=sys.maxsize)
            return Publisher(never_full, deadline), deadline

    def _measure(self) -> None:
        """Look how full the queue is, now and then, and one thread for all."""
        started = time.monotonic()
        with self._lock:
            if started < self._measure_at:
                return
            self._measure_at = started + self._timeout_s
        try:
            fill = Fill(self._queue.depth(), self._queue.size_in_use_bytes())
        except EtcdError:
            # Publishing meets the same outage and says so.
            self._measure_at = time.monotonic() + MEASURE_EVERY_S
            return
        took_s = time.monotonic() - started
        self._fullness = fullness(fill, self._config.max_depth, self._config.quota_bytes)
        self._measure_at = started + max(MEASURE_EVERY_S, COST_FACTOR * took_s)


@cache
def ingest_queue(config: QueueConfig, timeout_s: float) -> IngestQueue:
    """The one of this process; made on first use, so after every fork."""
    return IngestQueue(config, timeout_s)


def _unavailable() -> QueueUnavailable:
    return QueueUnavailable(
        "etcd did not acknowledge the records in time; send them again, nothing is stored twice."
    )
