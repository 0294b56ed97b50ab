"""Publishing when etcd does not answer for a while: what is kept, what is said, what goes on."""

import gc
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from apps.mq import Message, Publisher, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import OutcomeUnknown
from apps.mq.etcd.protos import rpc_pb2
from tests.faults.tcp_proxy import TcpProxy

TIMEOUT_S = 0.8
BATCH = [Message("h", "0", b"{}")]


@pytest.fixture
def proxy(queue_config: QueueConfig) -> Iterator[TcpProxy]:
    with TcpProxy(queue_config.endpoints[0]) as between:
        yield between


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Batch:
    """What a caller of the client has at hand."""


def fail(client: EtcdClient) -> "weakref.ref[Batch]":
    """A transaction that gets no answer, waited for with a batch at hand."""
    batch = Batch()
    with suppress(OutcomeUnknown):
        client.start_txn(rpc_pb2.TxnRequest()).result()
    return weakref.ref(batch)


def test_a_failed_call_keeps_nothing_of_its_callers(queue_config: QueueConfig, proxy: TcpProxy):
    client = EtcdClient(replace(queue_config, endpoints=(proxy.address,), timeout_s=0.1))
    proxy.blackhole()
    with no_garbage_collection():
        kept = fail(client)
        assert kept() is None
    client.close()


def test_batches_that_an_outage_held_up_are_one_outage(
    queue_config: QueueConfig, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
):
    publisher = Publisher(replace(queue_config, endpoints=(proxy.address,), timeout_s=TIMEOUT_S))
    publisher.publish(BATCH)
    publisher.flush()
    proxy.blackhole()
    for _ in range(queue_config.max_in_flight):
        publisher.publish(BATCH)
    time.sleep(2 * TIMEOUT_S)  # all of them miss their deadline
    proxy.heal()
    publisher.flush()
    assert publisher.acknowledged == 1 + queue_config.max_in_flight
    said = [record.message for record in caplog.records if record.name == "apps.mq.publisher"]
    assert ["works again" in line for line in said] == [False, True]
    publisher.close()
