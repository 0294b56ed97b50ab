"""What a process must know to use the queue."""

import re
from dataclasses import dataclass, field
from pathlib import Path

# [::1]:2379 too; no http://, which etcdctl takes.
_ENDPOINT = re.compile(r"[^/\s]+:\d+\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\Z")

# The sweep for foreign messages reads this many ranges at once.
MIN_TXN_OPS = 64


@dataclass(frozen=True)
class QueueConfig:
    """Where etcd is and how this process uses it.

    `endpoints` are `host:port`. `max_txn_ops` is the server's `--max-txn-ops`. A lease is renewed
    every third of `lease_s`, so it is also how long a dead member is still counted. `timeout_s` is
    the deadline of a call; requests that a dying leader has swallowed are repeated after it.
    """

    endpoints: tuple[str, ...]
    cluster: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_cert: str = ""
    client_cert: str = ""
    client_key: str = ""
    timeout_s: float = 2.0
    max_txn_ops: int = 128
    max_in_flight: int = 8
    lease_s: int = 10
    max_depth: int = 1_000_000
    quota_bytes: int = 2 << 30

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise ValueError("no etcd endpoint is given; set ETCD_ENDPOINTS to host:port[,…]")
        for endpoint in self.endpoints:
            if not _ENDPOINT.match(endpoint):
                raise ValueError(
                    f"{endpoint!r} is no etcd endpoint; set ETCD_ENDPOINTS to host:port[,…]"
                )
        if self.max_txn_ops < MIN_TXN_OPS:
            raise ValueError(f"max_txn_ops is {self.max_txn_ops}, at least {MIN_TXN_OPS} is needed")
        if not _NAME.match(self.cluster):
            raise ValueError(
                f"cluster id {self.cluster!r} may hold letters, digits, '.' and '-' only"
            )
        if bool(self.client_cert) != bool(self.client_key):
            raise ValueError(
                "client_cert and client_key belong together: set ETCD_CLIENT_CERT and"
                " ETCD_CLIENT_KEY, or neither"
            )
        for setting in ("ca_cert", "client_cert", "client_key"):
            path = getattr(self, setting)
            if path and not Path(path).is_file():
                raise ValueError(f"{setting}: no file {path!r}; set ETCD_{setting.upper()} to one")
