"""Messages that are no records, messages of programs that are not ours, messages that come late."""

import json
import time
from datetime import UTC, datetime, timedelta

from apps.mq import Message, Publisher
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys
from tests.faults.experiment import Experiment
from tests.faults.scale import Needs
from tests.faults.telemetry_file import METRICS, Key, Values
from tests.faults.world import CLUSTER, World

POISON = [
    b"{",
    b"",
    b"\x00",
    b'{"timestamp":"2026-01-05T00:00:00Z","gpu_id":0,"hostname":"a\\u0000b","uuid":"GPU-p"}',
    b'{"timestamp":"2026-01-05T00:00:00Z","gpu_id":0,"hostname":"h","uuid":"GPU-p","power_draw":"x"}',
    b'{"timestamp":"1826-01-05T00:00:00Z","gpu_id":0,"hostname":"h","uuid":"GPU-p"}',
    b"[" * 100_000,
    b'"' + b"x" * (1 << 20) + b'"',
    b"\xff\xfe\xfd",
]
START = datetime(2026, 1, 7, tzinfo=UTC)
FOREIGN = 5000


def poisoned(world: World) -> None:
    """Between good messages come such as no program should write."""
    publisher = Publisher(world.config)
    for _ in range(5):
        world.rest(1.0)
        publisher.publish([Message("poison", "0", value) for value in POISON])
        publisher.flush()
    publisher.close()
    world.until(lambda: _letters(world) == 5 * len(POISON), 60.0, "each is a dead letter")


def _letters(world: World) -> int:
    with world.database() as database:
        row = database.execute("SELECT count(*) FROM telemetry_deadletter").fetchone()
    return int(row[0]) if row else 0


def foreign(world: World) -> None:
    """Plain keys without descriptors, each with a nanosecond of its own."""
    keys, client = Keys(CLUSTER), EtcdClient(world.config)
    for number in range(0, FOREIGN, 50):
        request = rpc_pb2.TxnRequest()
        for one in range(number, number + 50):
            _put(request, keys.message_prefix(time.time_ns()) + b"f_o_0_0", world, one)
        client.txn(request)
        world.rest(0.05)
    client.close()


def late(world: World) -> None:
    """One timestamp to which messages are added while its batch is read, stored, acknowledged."""
    keys, client = Keys(CLUSTER), EtcdClient(world.config)
    timestamp = 0
    for number in range(400):
        if number % 20 == 0:
            timestamp = time.time_ns()
        request = rpc_pb2.TxnRequest()
        _put(request, keys.message_prefix(timestamp) + b"late_0_%d" % number, world, number)
        put = request.success.add().request_put
        put.key, put.value = keys.descriptor(timestamp), b"{}"
        client.txn(request)
        world.rest(0.02)
    client.close()


def _put(request: object, key: bytes, world: World, number: int) -> None:
    """Add a message to the transaction and to what is expected."""
    at = START + timedelta(seconds=number)
    values: Values = tuple(float((number + position) % 97) for position in range(len(METRICS)))
    fields = {"timestamp": at.isoformat(), "hostname": "foreign", "gpu_id": "0", "uuid": "GPU-f"}
    texts = {name: str(value) for name, value in zip(METRICS, values, strict=True)}
    put = request.success.add().request_put  # type: ignore[attr-defined]
    put.key, put.value = key, json.dumps(fields | texts | {"nobody_knows": [1]}).encode()
    found: Key = ("GPU-f", at)
    world.acknowledged[found] = values


EXPERIMENTS = [
    Experiment("messages-poisoned", "21", poisoned),
    Experiment("messages-foreign", "foreign", foreign),
    Experiment("messages-late", "late", late, Needs(points=("slow-store",))),
]
