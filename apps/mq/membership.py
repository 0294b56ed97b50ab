"""Presence of one process in etcd under a lease, and its view of who else is there."""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import EtcdError, LeaseNotFound
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.etcd.watch import Watch
from apps.mq.keys import Keys, prefix_end
from apps.mq.outage import Outage

logger = logging.getLogger(__name__)

# The watch is a hint, this look is the truth: it bounds how late a member's end is noticed.
LOOK_EVERY_S = 1.0


def members(client: EtcdClient, keys: Keys, role: str) -> dict[str, dict[str, Any]]:
    """The live members of a role with the figures that each published. Raises EtcdError."""
    prefix = keys.members(role)
    answer = client.range(rpc_pb2.RangeRequest(key=prefix, range_end=prefix_end(prefix)))
    return {kv.key[len(prefix) :].decode(): json.loads(kv.value or b"{}") for kv in answer.kvs}


class Membership(threading.Thread):
    """Keeps one leased key alive and follows the keys of its role.

    A lost lease (the server was away for longer than the lease, or the process was stopped) means
    that the others count this member as gone; it joins again under the same name. When the space
    quota is reached a new lease cannot be had: the member then works on alone, which is safe, since
    ownership of a batch is never more than a hint.
    """

    def __init__(
        self,
        client: EtcdClient,
        keys: Keys,
        role: str,
        instance: str,
        lease_s: int,
        figures: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        super().__init__(name=f"membership {role}/{instance}", daemon=True)
        self._client = client
        self._prefix = keys.members(role)
        self._key = self._prefix + instance.encode()
        self._lease_s = lease_s
        self._figures = figures
        self._lease_id = 0
        self._renew_at = 0.0
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._others: frozenset[str] = frozenset()
        self._watch = Watch(client, self._prefix, self._changed, lambda _revision: None)
        self._outage = Outage(f"membership of {instance}", logger)

    def view(self) -> frozenset[str]:
        """The names of the live members as last seen."""
        with self._lock:
            return self._others

    def run(self) -> None:
        """Join, then look around every second and renew every third of the lease."""
        self._watch.start()
        while not self._stopping.is_set():
            try:
                self.step()
                self._outage.end()
            except EtcdError as error:
                self._outage.begin(error)
            self._stopping.wait(min(LOOK_EVERY_S, self._lease_s / 3))

    def step(self) -> None:
        """Refresh the view; when it is time, join or renew. Raises EtcdError."""
        # The view first: a full store refuses to let anybody join, but still tells who is there.
        self._refresh()
        now = time.monotonic()
        if now < self._renew_at:
            return
        if self._lease_id and self._client.keep_alive(self._lease_id) <= 0:
            self._lease_id = 0
        if not self._lease_id:
            self._lease_id = self._client.grant_lease(self._lease_s)
        try:
            self._put()
        except LeaseNotFound:
            self._lease_id = 0
            raise
        self._renew_at = now + self._lease_s / 3

    def leave(self) -> None:
        """Stop, and take the key away so that others need not wait for the lease to end."""
        self._stopping.set()
        self._watch.stop()
        if self.is_alive():
            self.join(timeout=self._lease_s / 3)
        if self._lease_id:
            try:
                self._client.revoke_lease(self._lease_id)
            except EtcdError as error:
                logger.debug("the lease will end by itself: %s", error)
            self._lease_id = 0

    def _put(self) -> None:
        operation = rpc_pb2.TxnRequest()
        put = operation.success.add().request_put
        put.key, put.lease = self._key, self._lease_id
        put.value = json.dumps(dict(self._figures())).encode()
        self._client.txn(operation)

    def _refresh(self) -> None:
        answer = self._client.range(
            rpc_pb2.RangeRequest(
                key=self._prefix, range_end=prefix_end(self._prefix), keys_only=True
            )
        )
        names = frozenset(kv.key[len(self._prefix) :].decode() for kv in answer.kvs)
        with self._lock:
            self._others = names

    def _changed(self, events: list[Any]) -> None:
        with self._lock:
            names = set(self._others)
            for event in events:
                name = event.kv.key[len(self._prefix) :].decode()
                if event.type == event.DELETE:
                    names.discard(name)
                else:
                    names.add(name)
            self._others = frozenset(names)
