"""A group of processes that share named pieces of work, and how far each piece is done.

    /telemetry/members/{cluster}/{role}/{group}:{instance}   leased presence, with figures
    /telemetry/offsets/{cluster}/{group}/{piece}             how far it is done, a number

As with a queue's consumer groups, a process that starts later goes on where the group was.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from apps.mq.config import QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.keys import Keys, prefix_end
from apps.mq.membership import Membership
from apps.mq.ownership import owner

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\Z")
JOIN_S = 5.0


class Group:
    """One process of a group.

    Which piece is whose is a hint that may be wrong for a moment, so a piece may be done twice.
    """

    def __init__(
        self,
        config: QueueConfig,
        role: str,
        name: str,
        instance: str,
        figures: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        if not _NAME.match(name):
            raise ValueError(f"group {name!r} may hold letters, digits, '.' and '-' only")
        self._client = EtcdClient(config)
        self._prefix = f"{name}:"
        self._me = self._prefix + instance
        self._offsets = Keys(config.cluster).offsets(name)
        self._membership = Membership(
            self._client, Keys(config.cluster), role, self._me, config.lease_s, figures
        )

    def start(self) -> None:
        """Join."""
        self._membership.start()

    def wait_joined(self) -> None:
        """Return when joined or after JOIN_S: who starts together shall not all take everything."""
        deadline = time.monotonic() + JOIN_S
        while self._me not in self._membership.view() and time.monotonic() < deadline:
            time.sleep(0.05)

    def close(self) -> None:
        """Leave at once, so that others take over."""
        self._membership.leave()
        self._client.close()

    def is_mine(self, piece: str) -> bool:
        """Whether this process is the one to do it now."""
        members = {name for name in self._membership.view() if name.startswith(self._prefix)}
        return owner(piece, members | {self._me}) == self._me

    def offsets(self) -> dict[str, int]:
        """How far every piece is done that somebody has begun. Raises EtcdError."""
        answer = self._client.range(
            rpc_pb2.RangeRequest(key=self._offsets, range_end=prefix_end(self._offsets))
        )
        return {kv.key[len(self._offsets) :].decode(): int(kv.value) for kv in answer.kvs}

    def set_offset(self, piece: str, offset: int) -> None:
        """Remember how far a piece is done. Raises EtcdError."""
        request = rpc_pb2.TxnRequest()
        put = request.success.add().request_put
        put.key, put.value = self._offsets + piece.encode(), b"%d" % offset
        self._client.txn(request)
