"""One member of a fault suite's etcd cluster: its command line, its process, its own word."""

import json
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from apps.embedded.ports import free_port
from apps.embedded.processes import Child
from tests.faults.network import Host

PROBE_S = 1.0
LEADS = re.compile(rb"^etcd_server_is_leader 1$", re.MULTILINE)


@dataclass(frozen=True)
class Addresses:
    """host:port for clients, for other members, and for health without certificates or users."""

    client: str
    peer: str
    probe: str

    @classmethod
    def on(cls, host: Host | None) -> "Addresses":
        """Fixed ports on a host of its own, free ones on loopback."""
        if host is not None:
            return cls(f"{host.address}:2379", f"{host.address}:2380", f"{host.address}:2381")
        return cls(*(f"127.0.0.1:{free_port()}" for _ in range(3)))


class Member:
    """A server that runs `argv`; started by the thread that it may live as long as."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, addresses: Addresses) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ETCD_")}
        self.child = Child(f"etcd member {name}", argv, log, env=environment)
        # What the kernel sends when the run dies: a paused member would wait with any other.
        self.child.stop_signal = signal.SIGKILL
        self.addresses = addresses

    def signal(self, number: signal.Signals) -> None:
        """To it and everything it started, if it runs."""
        if self.child.running:
            os.killpg(self.child.pid, number)

    def serves(self) -> bool:
        """Whether it answers a linearizable read; at its quota it serves what is left to serve."""
        try:
            return bool(json.loads(self._page("health?exclude=NOSPACE"))["health"] == "true")
        except (ValueError, KeyError):
            return False

    def leads(self) -> bool:
        """Whether it says that it is the leader."""
        return LEADS.search(self._page("metrics")) is not None

    def last_words(self) -> str:
        """The end of its log, under the log's path."""
        return f"{self.child.log}:\n{self.child.tail()}"

    def _page(self, path: str) -> bytes:
        """Empty when it does not answer."""
        try:
            with urlopen(f"http://{self.addresses.probe}/{path}", timeout=PROBE_S) as answer:
                return bytes(answer.read())
        except OSError:
            return b""


def member_options(name: str, data: Path, addresses: Addresses, scheme: str) -> list[str]:
    """What one member is told; `scheme` is that of its clients."""
    client, peer = f"{scheme}://{addresses.client}", f"http://{addresses.peer}"
    return [
        f"--name={name}",
        f"--data-dir={data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--listen-metrics-urls=http://{addresses.probe}",
    ]


def cluster_options(
    peers: dict[str, str], token: str, quota_bytes: int, max_txn_ops: int, compaction_s: int | None
) -> list[str]:
    """What every member is told; `peers` are names and host:port."""
    compaction = [
        "--auto-compaction-mode=periodic",
        f"--auto-compaction-retention={compaction_s}s",
    ]
    return [
        "--initial-cluster=" + ",".join(f"{name}=http://{peer}" for name, peer in peers.items()),
        f"--initial-cluster-token={token}",
        f"--quota-backend-bytes={quota_bytes}",
        f"--max-txn-ops={max_txn_ops}",
        # The default from 3.5 on: a member that comes back must not depose the leader.
        "--pre-vote",
        "--logger=zap",
        "--log-level=warn",
        "--log-outputs=stderr",
        *(compaction if compaction_s is not None else ()),
    ]
