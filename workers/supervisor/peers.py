"""The supervisors of one cluster: what each tells of itself in etcd, and how that is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.mq.statistics import Member
from workers.supervisor.sharing import Range

ROLE = "supervisor"
ROLES = ("collectors", "streamers")


@dataclass(frozen=True)
class Told:
    """Of one supervisor: its limits for each role, and the group's targets as it last knew them."""

    limits: Mapping[str, Range]
    targets: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """A part of its figures."""
        return {"limits": dict(self.limits), "targets": dict(self.targets)}


def read(supervisors: Mapping[str, Member]) -> dict[str, Told]:
    """Every live supervisor by name."""
    return {name: _parse(member.figures) for name, member in supervisors.items()}


def limits_of(told: Mapping[str, Told], role: str) -> dict[str, Range]:
    """Everybody's limits for a role."""
    return {name: one.limits[role] for name, one in told.items()}


def _parse(figures: Mapping[str, Any]) -> Told:
    limits = {role: (int(low), int(high)) for role, (low, high) in figures["limits"].items()}
    return Told(limits, {role: int(count) for role, count in figures["targets"].items()})
