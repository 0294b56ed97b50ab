"""The state of a cluster's queue as its members tell it: who is live, what they do, what waits."""

import json
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from apps.mq.config import QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import NotApplied, OutcomeUnknown
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.gate import depth
from apps.mq.keys import Keys, prefix_end

# Rates are measured over so long. Members refresh their figures every third of the lease.
RATE_WINDOW_S = 6.0
# After a longer time without a look a rate would be an average of long ago: it starts anew.
GAP_S = 15.0
# Counting what waits walks etcd's index (23 ms for 100,000 keys): it may take a twentieth of the
# time. An etcd that is busy otherwise answers later, which is no reason to know nothing for long.
COUNT_EVERY_S = 0.5
COST_FACTOR = 20
COUNT_AT_LEAST_EVERY_S = 3.0


@dataclass(frozen=True)
class Member:
    """A live member's figures; `revision` changes whenever it tells them, changed or not."""

    figures: Mapping[str, Any]
    revision: int


Members = Mapping[str, Mapping[str, Member]]


def read_members(client: EtcdClient, keys: Keys) -> Members:
    """Every live member, by role and name, in one read. Raises EtcdError."""
    prefix = keys.members("")[:-1]
    answer = client.range(rpc_pb2.RangeRequest(key=prefix, range_end=prefix_end(prefix)))
    found: dict[str, dict[str, Member]] = {}
    for kv in answer.kvs:
        role, _, name = kv.key[len(prefix) :].decode().partition("/")
        figures = json.loads(kv.value or b"{}")
        found.setdefault(role, {})[name] = Member(figures, kv.mod_revision)
    return found


class Rates:
    """How fast a count in the figures of each member of a role grows. Times are monotonic."""

    def __init__(self, role: str, count: str) -> None:
        self._role = role
        self._count = count
        self._told: dict[str, deque[tuple[float, int, int]]] = {}
        self._noted_at = 0.0

    def note(self, members: Members, at: float) -> None:
        """Take in what members told; one that is gone is forgotten."""
        if at - self._noted_at > GAP_S:
            self._told.clear()
        self._noted_at = at
        live = members.get(self._role, {})
        self._told = {name: told for name, told in self._told.items() if name in live}
        for name, member in live.items():
            told = self._told.setdefault(name, deque())
            if not told or told[-1][1] != member.revision:
                told.append((at, member.revision, int(member.figures.get(self._count, 0))))
            # One telling from before the window stays: rates are measured between tellings.
            while len(told) > 2 and told[1][0] <= at - RATE_WINDOW_S:
                told.popleft()

    def per_s(self) -> float | None:
        """Of all together; None before any has told its figures twice."""
        rates = [
            (told[-1][2] - told[0][2]) / (told[-1][0] - told[0][0])
            for told in self._told.values()
            if len(told) > 1
        ]
        return sum(rates) if rates or not self._told else None


@dataclass(frozen=True)
class Snapshot:
    """The pipeline at one moment, `at` in monotonic seconds.

    `backlog` is messages that wait. Rates are records per second, 0 where no member of the role is
    live, None while they are not known: a rate takes two looks with a refresh of figures between.
    """

    at: float
    backlog: int
    stored_per_s: float | None
    published_per_s: float | None
    members: Members


class Statistics:
    """Looks at one cluster again and again; for one thread."""

    def __init__(self, config: QueueConfig) -> None:
        self._client = EtcdClient(config)
        self._keys = Keys(config.cluster)
        self._stored = Rates("collector", "stored")
        self._published = Rates("streamer", "published")
        self._backlog = 0
        self._count_at = 0.0

    def check_access(self) -> None:
        """Raise Refused when user, password or permission are wrong; an outage is no reason."""
        with suppress(OutcomeUnknown, NotApplied):
            read_members(self._client, self._keys)

    def look(self) -> Snapshot:
        """One look, which costs etcd little however often it is taken. Raises EtcdError."""
        members = read_members(self._client, self._keys)
        now = time.monotonic()
        if now >= self._count_at:
            self._backlog = depth(self._client, self._keys)
            took = time.monotonic() - now
            pause_s = min(COST_FACTOR * took, COUNT_AT_LEAST_EVERY_S)
            self._count_at = now + max(COUNT_EVERY_S, pause_s)
        self._stored.note(members, now)
        self._published.note(members, now)
        return Snapshot(now, self._backlog, self._stored.per_s(), self._published.per_s(), members)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
