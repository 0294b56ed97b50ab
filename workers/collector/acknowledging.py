"""Takes what is stored off the queue, small takes together.

An acknowledgement of one small batch costs etcd and the collector about what one of ten does, and
nobody waits for it: what is stored and still in the queue when the process dies is delivered again
and changes nothing.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Executor, Future

from apps.mq import Batch, Consumer

LINGER_S = 0.1
# So much is acknowledged at once, about 1,000 messages: it needs no company to be worth a
# transaction, and what waits is in memory.
ENOUGH_BYTES = 400_000


class Acknowledging:
    """Acknowledges in a thread, one transaction after the other.

    Not safe to share: only one thread at a time may call it. `send` and `add` raise what the
    acknowledgement before raised, `finish` also what the last one did.
    """

    def __init__(self, consumer: Consumer, thread: Executor) -> None:
        self._consumer = consumer
        self._thread = thread
        self._waiting: list[Batch] = []
        self._bytes = 0
        self._since = 0.0
        self._sent: Future[None] | None = None

    @property
    def is_lingering(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._waiting)

    def add(self, batches: Sequence[Batch]) -> None:
        """Acknowledge these, at once or LINGER_S after the first that waits, if called by then."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting += batches
        self._bytes += sum(batch.size_bytes for batch in batches)
        if self._bytes >= ENOUGH_BYTES or time.monotonic() - self._since >= LINGER_S:
            self.send()

    def send(self) -> None:
        """Acknowledge what waits; returns when the acknowledgement before is done."""
        if not self._waiting:
            return
        if self._sent is not None:
            self._sent.result()
        self._sent = self._thread.submit(self._consumer.ack, self._waiting)
        self._waiting, self._bytes = [], 0

    def finish(self) -> None:
        """Send what waits and return when everything is acknowledged."""
        self.send()
        if self._sent is not None:
            self._sent.result()
