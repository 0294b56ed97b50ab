"""What tests of the queue do again and again: publish, put plain keys, take everything."""

import time
from collections.abc import Sequence

from apps.mq import Batch, Consumer, Message, Publisher, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2

PATIENCE_S = 30.0
OPS = 100


def publish(config: QueueConfig, count: int, first: int = 0) -> None:
    """Numbers from `first` on as messages, acknowledged when this returns."""
    publisher = Publisher(config)
    publisher.publish([Message("a_b", "0", b"%d" % n) for n in range(first, first + count)])
    publisher.flush()
    assert publisher.acknowledged == count
    publisher.close()


def put(config: QueueConfig, pairs: Sequence[tuple[bytes, bytes]]) -> None:
    """Plain keys and values, as any program may put them."""
    client = EtcdClient(config)
    for start in range(0, len(pairs), OPS):
        request = rpc_pb2.TxnRequest()
        for key, value in pairs[start : start + OPS]:
            operation = request.success.add().request_put
            operation.key, operation.value = key, value
        client.txn(request)
    client.close()


def values(batches: Sequence[Batch]) -> list[int]:
    """The numbers in these batches, in order."""
    return sorted(int(message.value) for batch in batches for message in batch.messages)


def take_all(one: Consumer, count: int, acknowledge: bool = False) -> list[Batch]:
    """Take until `count` messages came; fewer when nothing comes any more."""
    taken: list[Batch] = []
    left = count
    deadline = time.monotonic() + PATIENCE_S
    while left > 0 and time.monotonic() < deadline:
        batches = one.take(8, 0.5)
        taken += batches
        left -= sum(len(batch.messages) for batch in batches)
        if acknowledge:
            one.ack(batches)
    return taken
