"""Publishing: messages in, one transaction per batch, several in flight."""

import json
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tenacity import wait_exponential_jitter

from apps.mq.config import QueueConfig
from apps.mq.etcd.client import EtcdClient, PendingCall
from apps.mq.etcd.errors import EtcdError, NotApplied, OutcomeUnknown, SpaceExceeded
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.gate import Gate
from apps.mq.keys import Keys
from apps.mq.messages import Message
from apps.mq.observer import SILENT, Observer
from apps.mq.outage import Outage

logger = logging.getLogger(__name__)

# etcd refuses requests over 1.5 MiB; keys and framing need room beside the values.
MAX_BATCH_BYTES = 1_000_000
MAX_MESSAGE_BYTES = 1_400_000


class PublishStopped(Exception):
    """The publisher was told to stop before everything was acknowledged."""


class MessageTooLarge(ValueError):
    """A message is larger than etcd takes in one request."""


@dataclass(slots=True)
class _Flight:
    """One batch on its way."""

    request: Any
    call: PendingCall | None
    messages: Sequence[Message]
    sent_at: float
    answered_at: float = 0.0
    attempts: int = 0

    def landed(self) -> None:
        """Note the time: the answer may lie there for long before its turn comes."""
        self.answered_at = time.monotonic()


class Publisher:
    """Publishes batches to one cluster's queue; for one thread.

    A batch is written with its descriptor in one transaction, so it is there whole or not at all.
    When the answer is lost the same keys are written again: at most the batch is delivered twice,
    which the receiver must absorb. `stop`, once set, ends every wait with PublishStopped.
    """

    def __init__(
        self,
        config: QueueConfig,
        stop: threading.Event | None = None,
        observer: Observer = SILENT,
    ) -> None:
        self._config = config
        self._stop = stop or threading.Event()
        self._observer = observer
        self._client = EtcdClient(config, observer)
        self._keys = Keys(config.cluster)
        self._gate = Gate(self._client, config, self._stop, observer)
        self._id = uuid.uuid4().hex[:12]
        self._last_timestamp = 0
        self._flights: deque[_Flight] = deque()
        self._backoff = wait_exponential_jitter(multiplier=0.05, max=2.0, jitter=0.1)
        self._outage = Outage("publishing", logger)
        self._answered_at = 0.0
        self.acknowledged = 0

    def publish(self, messages: Sequence[Message]) -> None:
        """Hand messages over; returns when all are sent, not when all are acknowledged.

        Blocks while too much is in flight, the queue is full or etcd is away. Raises
        PublishStopped, MessageTooLarge, EtcdError (`Refused`: repeating cannot help).
        """
        for group in _groups(messages, self._config.max_txn_ops - 1):
            while len(self._flights) >= self._config.max_in_flight:
                self._settle_oldest()
            self._gate.wait()
            self._send(_Flight(self._request(group), None, group, time.monotonic()))

    def flush(self) -> None:
        """Wait until everything handed over is acknowledged. Raises as `publish` does."""
        while self._flights:
            self._settle_oldest()

    def close(self) -> None:
        """Close the connection; what is not acknowledged then has an unknown outcome."""
        self._client.close()

    def _send(self, flight: _Flight) -> None:
        self._flights.append(flight)
        with suppress(OutcomeUnknown, NotApplied):  # it is sent again when its turn comes
            self._start(flight)

    def _start(self, flight: _Flight) -> PendingCall:
        flight.answered_at = 0.0
        flight.call = call = self._client.start_txn(flight.request)
        call.when_done(flight.landed)
        return call

    def _settle_oldest(self) -> None:
        flight = self._flights[0]
        while True:
            try:
                answer = (flight.call or self._start(flight)).result()
                break
            except (OutcomeUnknown, NotApplied, SpaceExceeded) as error:
                self._fail(flight, error)
        self._outage.end()
        # The answer may overtake the note of its time.
        self._answered_at = landed_at = flight.answered_at or time.monotonic()
        if not answer.succeeded and not self._is_mine(answer):
            # Another publisher took this very nanosecond: the batch goes under a new one.
            flight.request, flight.call = self._request(flight.messages), None
            return
        self._flights.popleft()
        self.acknowledged += len(flight.messages)
        self._observer.published(len(flight.messages), landed_at - flight.sent_at)

    def _fail(self, flight: _Flight, error: EtcdError) -> None:
        """Have it sent again: after a pause, or at once if etcd has answered another one since."""
        flight.call = None
        if 0.0 < flight.answered_at < self._answered_at:
            return
        flight.attempts += 1
        self._outage.begin(error)
        if self._stop.wait(self._backoff(_Attempt(flight.attempts))):  # type: ignore[arg-type]
            raise PublishStopped(f"{self.unacknowledged} messages were not acknowledged: {error}")

    @property
    def unacknowledged(self) -> int:
        """How many messages are sent and not acknowledged."""
        return sum(len(flight.messages) for flight in self._flights)

    def _request(self, messages: Sequence[Message]) -> Any:
        """The transaction: all messages and the descriptor, if the timestamp is free."""
        timestamp = max(time.time_ns(), self._last_timestamp + 1)
        self._last_timestamp = timestamp
        descriptor = self._keys.descriptor(timestamp)
        request = rpc_pb2.TxnRequest()
        compare = request.compare.add()
        compare.target, compare.result = rpc_pb2.Compare.CREATE, rpc_pb2.Compare.EQUAL
        compare.key, compare.create_revision = descriptor, 0
        add = request.success.add
        prefix = self._keys.message_prefix(timestamp)
        for sequence, (hostname, gpu_id, value) in enumerate(messages):
            put = add().request_put
            put.key = prefix + f"{hostname}_{gpu_id}_{sequence}".encode()
            put.value = value
        put = add().request_put
        put.key = descriptor
        put.value = json.dumps({"count": len(messages), "publisher": self._id}).encode()
        request.failure.add().request_range.key = descriptor
        return request

    def _is_mine(self, answer: Any) -> bool:
        """Whether a descriptor that is there already is from an earlier attempt of this batch."""
        kvs = answer.responses[0].response_range.kvs
        return bool(kvs) and json.loads(kvs[0].value).get("publisher") == self._id


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What tenacity's wait policies look at."""

    attempt_number: int


def _groups(messages: Sequence[Message], limit: int) -> Iterator[Sequence[Message]]:
    """Runs of at most `limit` messages and MAX_BATCH_BYTES."""
    iterator = iter(messages)
    while group := list(islice(iterator, limit)):
        if sum(len(message.value) for message in group) <= MAX_BATCH_BYTES:
            yield group
        else:
            yield from _by_size(group)


def _by_size(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    group: list[Message] = []
    size = 0
    for message in messages:
        if len(message.value) > MAX_MESSAGE_BYTES:
            raise MessageTooLarge(
                f"a message of {len(message.value)} bytes from {message.hostname} is over the"
                f" limit of {MAX_MESSAGE_BYTES}"
            )
        if group and size + len(message.value) > MAX_BATCH_BYTES:
            yield group
            group, size = [], 0
        group.append(message)
        size += len(message.value)
    if group:
        yield group
