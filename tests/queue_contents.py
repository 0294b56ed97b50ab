"""Looking into a cluster's queue without taking anything off it."""

from apps.mq import Queue, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys, prefix_end
from apps.telemetry.records import Record, decode


def waiting_messages(endpoints: list[str], cluster: str) -> list[tuple[bytes, bytes]]:
    """Key and value of every message that waits, in the order of their keys."""
    client = EtcdClient(QueueConfig(endpoints=tuple(endpoints), cluster=cluster))
    try:
        prefix = Keys(cluster).queue
        answer = client.range(rpc_pb2.RangeRequest(key=prefix, range_end=prefix_end(prefix)))
        return [(kv.key, kv.value) for kv in answer.kvs]
    finally:
        client.close()


def waiting_records(endpoints: list[str], cluster: str) -> list[Record]:
    """The records of every message that waits."""
    return [decode(value) for _, value in waiting_messages(endpoints, cluster)]


def depth(config: QueueConfig) -> int:
    """How many messages wait."""
    queue = Queue(config)
    try:
        return queue.depth()
    finally:
        queue.close()
