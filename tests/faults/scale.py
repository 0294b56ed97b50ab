"""How large an experiment is, and what servers and processes it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scale:
    """`records` in all are streamed over `load_s` seconds; `seed` decides values and victims."""

    collectors: int = 10
    streamers: int = 10
    records: int = 60_000
    load_s: float = 15.0
    lease_s: int = 5
    seed: int = 1
    soak_s: float = 60.0


@dataclass(frozen=True)
class Needs:
    """What an experiment's world is made of.

    `proxied`: clients reach etcd through proxies. `networked`: members live on hosts of their own.
    `etcd_disk_mib`: a disk of this size for etcd's data. `points` are failpoints of the collectors
    (tests/faults/failpoints.py). `settings` are added to the product's environment.
    """

    members: int = 1
    proxied: bool = False
    networked: bool = False
    quota_bytes: int = 2 << 30
    compaction_s: int | None = None
    etcd_disk_mib: int = 0
    points: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
