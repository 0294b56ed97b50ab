"""queue_publish: the library's publisher alone, beside a bare loop of the same transactions."""

import time
from datetime import UTC, datetime

from apps.mq import Message, Publisher
from benchmarks.bench import Bench
from benchmarks.latency import messages_of
from benchmarks.publish import bare_puts
from benchmarks.result import Result
from benchmarks.rounds import by_turns


def measure(bench: Bench) -> list[Result]:
    """Messages per second from the first call to the last acknowledgement."""
    messages = ready_made(bench)
    value, limit = by_turns(
        bench,
        lambda fresh: _publish(fresh, messages),
        lambda fresh: bare_puts(fresh, tails(messages), fresh.records),
    )
    about = "bare loop of the same transactions, ready-made values"
    return [Result("queue_publish", value, "messages/s", limit, about)]


def ready_made(bench: Bench) -> list[Message]:
    """One transaction's worth, with values like the streamer's."""
    return messages_of(range(bench.config.max_txn_ops - 1), datetime.now(UTC))


def tails(messages: list[Message]) -> list[tuple[bytes, bytes]]:
    """(end of the key, value) of these messages."""
    return [
        (f"{hostname}_{gpu_id}_{sequence}".encode(), value)
        for sequence, (hostname, gpu_id, value) in enumerate(messages)
    ]


def _publish(bench: Bench, messages: list[Message]) -> float:
    publisher = Publisher(bench.config)
    started = time.monotonic()
    while publisher.acknowledged + publisher.unacknowledged < bench.records:
        publisher.publish(messages)
    publisher.flush()
    seconds = time.monotonic() - started
    publisher.close()
    return publisher.acknowledged / seconds
