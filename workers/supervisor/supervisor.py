"""The supervisor of one machine: looks, decides or follows who decides, and sees to it."""

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from apps.mq import EtcdError, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.keys import Keys
from apps.mq.membership import Membership
from apps.mq.outage import Outage
from apps.mq.statistics import Snapshot, Statistics
from workers.supervisor import peers
from workers.supervisor.journal import Journal
from workers.supervisor.metrics import count_decision, show_targets
from workers.supervisor.peers import Told
from workers.supervisor.policy import Decision, Limits, Plan, decide, first_plan, shorten
from workers.supervisor.pool import Pool
from workers.supervisor.readings import Observation, seconds_to_drain
from workers.supervisor.scale import Scale
from workers.supervisor.sharing import Range, decider, shares, total

logger = logging.getLogger(__name__)

LOOK_S = 0.1
OBSERVE_EVERY_S = 0.5


@dataclass
class Supervisor:
    """Keeps the pools of this machine at their share of the group's target.

    `pools` and `limits` are by role, "collectors" and "streamers". All is done in the thread that
    calls it, which must be the main one: the kernel ends children with the thread that made them.
    """

    config: QueueConfig
    instance: str
    pools: Mapping[str, Pool]
    limits: Mapping[str, Range]
    _series: list[Observation] = field(default_factory=list, init=False)
    _journal: Journal = field(default_factory=Journal, init=False)
    _figures: Mapping[str, Any] = field(default_factory=dict, init=False)
    _observe_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._statistics = Statistics(self.config)
        self._client = EtcdClient(self.config)
        self._plan = first_plan(self._policy_limits(self._own_limits()))
        self._outage = Outage("scaling", logger)
        self._peers: frozenset[str] = frozenset()
        self._act_at = 0.0
        self._tell(())
        self._membership = Membership(
            self._client, Keys(self.config.cluster), peers.ROLE, self.instance,
            self.config.lease_s, lambda: self._figures,
        )  # fmt: skip

    def run(self, stop: threading.Event) -> bool:
        """Work until `stop` is set, then stop all in order. False when a role could not be kept up.

        Raises StartFailed when a program cannot be executed, Refused when etcd wants nothing of us.
        """
        try:
            self._statistics.check_access()
            self._take_over()
            self._membership.start()
            for role, pool in self.pools.items():
                pool.wanted = self.limits[role][0]
            while not stop.wait(LOOK_S):
                if not self.step():
                    return False
            return True
        finally:
            self._stop()

    def step(self) -> bool:
        """Look after the workers, and from time to time at the pipeline; False to give up."""
        for pool in self.pools.values():
            pool.step()
        if failed := [role for role, pool in self.pools.items() if pool.failed]:
            logger.error("no %s can be kept running: stopping", " and no ".join(failed))
            return False
        if time.monotonic() >= self._observe_at:
            try:
                self._scale(self._statistics.look())
                self._outage.end()
            except EtcdError as error:
                # What runs goes on running: workers ride out an outage themselves.
                self._outage.begin(error)
            self._observe_at = time.monotonic() + OBSERVE_EVERY_S
        return True

    def _take_over(self) -> None:
        """Before joining: what a group decided that is there already holds for this one too."""
        with suppress(EtcdError):
            members = self._statistics.look().members.get(peers.ROLE, {})
            if others := peers.read(members):
                self._follow(others[decider(others)])
                self._tell(())

    def _scale(self, snapshot: Snapshot) -> None:
        self._series.append(_observation(snapshot))
        shorten(self._series)
        supervisors = snapshot.members.get(peers.ROLE, {})
        if not self._may_act(frozenset(supervisors)):
            return
        told = peers.read(supervisors) | {self.instance: self._told()}
        leader = decider(told)
        if leader == self.instance:
            self._decide(told)
        else:
            self._follow(told[leader])
            self._tell(())
        for role, target in self._told().targets.items():
            self._set(role, shares(target, peers.limits_of(told, role))[self.instance])

    def _may_act(self, supervisors: frozenset[str]) -> bool:
        """Not before it has joined, and not until all can have told what they know: after an outage
        of etcd one may look alone for a moment, and a new decider's figures are still old.
        """
        if supervisors != self._peers:
            self._peers = supervisors
            self._act_at = time.monotonic() + self.config.lease_s / 3
        return self.instance in supervisors and time.monotonic() >= self._act_at

    def _set(self, role: str, count: int) -> None:
        if count != self.pools[role].wanted:
            logger.info("%s of this machine: %d → %d", role, self.pools[role].wanted, count)
            self.pools[role].wanted = count

    def _decide(self, told: Mapping[str, Told]) -> None:
        ranges = {role: total(peers.limits_of(told, role)) for role in peers.ROLES}
        decision = decide(self._series, self._policy_limits(ranges), self._plan)
        self._plan = decision.plan
        if decision.reason:
            self._note(decision)
        self._tell(decision.advice)

    def _follow(self, leader: Told) -> None:
        """Take over its targets, so that this one can go on from there when the leader is gone."""
        self._plan = Plan(
            _follow(self._plan.collectors, leader.targets["collectors"]),
            _follow(self._plan.streamers, leader.targets["streamers"]),
        )

    def _note(self, decision: Decision) -> None:
        logger.info("scaling: %s", decision.reason)
        self._journal.add(decision.collectors, decision.streamers, decision.reason)
        count_decision()

    def _tell(self, advice: tuple[str, ...]) -> None:
        """Renew what the membership tells the others; the whole is replaced, never changed."""
        told = self._told()
        now = self._series[-1] if self._series else None
        show_targets(told.targets)
        lost = [
            f"{pool.lost} {role} on {self.instance} crashed too often and are left alone."
            for role, pool in self.pools.items()
            if pool.lost
        ]
        self._figures = {
            **told.as_json(),
            **{role: pool.count for role, pool in self.pools.items()},
            "restarts": sum(pool.restarts for pool in self.pools.values()),
            "backlog": now and now.backlog,
            "stored_per_s": now and round(now.stored_per_s, 1),
            "published_per_s": now and round(now.published_per_s, 1),
            "seconds_to_drain": seconds_to_drain(self._series) if now else None,
            "decisions": self._journal.as_json(),
            "decisions_made": self._journal.count,
            "advice": [*advice, *lost],
        }

    def _told(self) -> Told:
        targets = {
            "collectors": self._plan.collectors.target,
            "streamers": self._plan.streamers.target,
        }
        return Told(self._own_limits(), targets)

    def _own_limits(self) -> dict[str, Range]:
        """The limits, with streamers that have finished left as they are."""
        return {
            role: (pool.count, pool.count) if pool.finished else self.limits[role]
            for role, pool in self.pools.items()
        }

    def _policy_limits(self, ranges: Mapping[str, Range]) -> Limits:
        return Limits(ranges["collectors"], ranges["streamers"], self.config.max_depth)

    def _stop(self) -> None:
        """From the source on: what was taken in is still stored; the membership goes last."""
        for role in reversed(peers.ROLES):
            pool = self.pools[role]
            pool.ask_to_stop()
            while not pool.stopped():
                time.sleep(LOOK_S)
        self._membership.leave()
        self._client.close()
        self._statistics.close()


def _observation(snapshot: Snapshot) -> Observation:
    return Observation(
        at=snapshot.at,
        backlog=snapshot.backlog,
        stored_per_s=snapshot.stored_per_s or 0.0,
        published_per_s=snapshot.published_per_s or 0.0,
        collectors=len(snapshot.members.get("collector", ())),
        streamers=len(snapshot.members.get("streamer", ())),
    )


def _follow(scale: Scale, target: int) -> Scale:
    return scale if scale.target == target else Scale(target)
