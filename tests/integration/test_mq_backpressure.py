"""Publishers hold back while the queue is full, say so once, and go on when there is room."""

import threading
import time
from dataclasses import replace

from apps.mq import Consumer, Message, Publisher, Queue, gate

PATIENCE_S = 20.0


def publish(publisher: Publisher, count: int) -> None:
    for _ in range(count):
        publisher.publish([Message("h", "0", b"{}")])
        publisher.flush()


def test_a_full_queue_stops_publishers_until_it_is_drained(queue_config, monkeypatch, caplog):
    monkeypatch.setattr(gate, "MEASURE_EVERY_S", 0.0)
    monkeypatch.setattr(gate, "COST_FACTOR", 0)
    monkeypatch.setattr(gate, "FULL_PAUSE_S", 0.01)
    config = replace(queue_config, max_depth=20)
    publisher, queue = Publisher(config), Queue(config)
    publishing = threading.Thread(target=publish, args=(publisher, 40))
    publishing.start()
    deadline = time.monotonic() + PATIENCE_S
    while queue.depth() < 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    publishing.join(timeout=1.0)
    assert publishing.is_alive()
    assert queue.depth() == 20
    consumer = Consumer(config, "one")
    taken = 0
    while taken < 40 and time.monotonic() < deadline:
        batches = consumer.take(8, 0.5)
        taken += sum(len(batch.messages) for batch in batches)
        consumer.ack(batches)
    publishing.join(timeout=PATIENCE_S)
    assert taken == publisher.acknowledged == 40
    said = [record.message for record in caplog.records if record.name == "apps.mq.gate"]
    assert [line.split(":")[0].split(" (")[0] for line in said[:2]] == [
        "the queue is filling", "the queue has room again",
    ]  # fmt: skip
    for one in (publisher, queue, consumer):
        one.close()
