"""A small network of its own, whose links can be cut: namespaces behind a bridge."""

import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Interface names have at most 15 characters; the process id says whose leftovers may be removed.
NAME = re.compile(r"flt(\d+)-\d+[hb]\d*")
_networks = itertools.count()


class NetworkFailed(Exception):
    """The network cannot be made or changed; the message says what refused."""


@dataclass(frozen=True)
class Host:
    """One machine of the network: its IP address and what goes before a command to run there.

    `name` is that of its namespace and of the link that leads to it.
    """

    address: str
    prefix: tuple[str, ...]
    name: str


class Network:
    """`hosts` machines that reach each other and this one, over one link each.

    For root. Leaving the context removes everything and kills what still runs on the hosts.
    """

    def __init__(self, hosts: int) -> None:
        self._name = f"flt{os.getpid()}-{next(_networks)}"
        self._subnet = _free_subnet()
        self.hosts = [
            Host(f"{self._subnet}.{10 + i}", ("ip", "netns", "exec", name), name)
            for i, name in enumerate(f"{self._name}h{i}" for i in range(hosts))
        ]

    @staticmethod
    def available() -> str:
        """Empty, or why no network can be made here."""
        if os.geteuid() != 0:
            return "network namespaces need root"
        if missing := [tool for tool in ("ip", "tc") if shutil.which(tool) is None]:
            return f"{' and '.join(missing)} not found; install the package iproute2"
        try:
            with Network(1) as network:
                network.mute(0)
        except NetworkFailed as error:
            return str(error)
        return ""

    def __enter__(self) -> "Network":
        remove_leftovers()
        try:
            self._build()
        except NetworkFailed:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            _remove_host(host.name)
        _remove_link(self._bridge)

    def cut(self, i: int) -> None:
        """Take its link away: nothing passes either way and nobody is told."""
        _ip("link", "set", self.hosts[i].name, "down")

    def mute(self, i: int) -> None:
        """One way only: it still receives, and nothing that it sends arrives."""
        _call(
            "tc", "-n", self.hosts[i].name, "qdisc", "replace", "dev", "eth0", "root", "blackhole"
        )

    def heal(self, i: int) -> None:
        """Undo `cut` and `mute`; nothing happens to a host that is well."""
        _ip("link", "set", self.hosts[i].name, "up")
        with contextlib.suppress(NetworkFailed):
            self._queue(i, "del")

    def _queue(self, i: int, change: str, *kind: str) -> None:
        """What its interface does with packets to send."""
        _call("tc", "-n", self.hosts[i].name, "qdisc", change, "dev", "eth0", "root", *kind)

    @property
    def _bridge(self) -> str:
        return f"{self._name}b"

    def _build(self) -> None:
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self._subnet}.1/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        for host in self.hosts:
            name = host.name
            _ip("netns", "add", name)
            _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", name, "master", self._bridge, "up")
            _ip("-n", name, "addr", "add", f"{host.address}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")


def remove_leftovers() -> None:
    """Remove what runs left behind that were killed before they could."""
    for line in _ip("netns", "list").splitlines():
        if _is_leftover(name := line.split()[0]):
            _remove_host(name)
    for link in Path("/sys/class/net").iterdir():
        if _is_leftover(link.name):
            _remove_link(link.name)


def _is_leftover(name: str) -> bool:
    match = NAME.fullmatch(name)
    return match is not None and not Path(f"/proc/{match[1]}").exists()


def _remove_host(name: str) -> None:
    with contextlib.suppress(NetworkFailed):
        for pid in _ip("netns", "pids", name).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    # A namespace lives as long as its processes; the link must not.
    _remove_link(name)
    with contextlib.suppress(NetworkFailed):
        _ip("netns", "del", name)


def _remove_link(name: str) -> None:
    with contextlib.suppress(NetworkFailed):
        _ip("link", "del", name)


def _free_subnet() -> str:
    """The first three numbers of private addresses that this machine does not use."""
    used = _ip("-o", "-4", "addr")
    numbers = random.sample(range(256), 256)
    return next(s for s in (f"10.213.{number}" for number in numbers) if f" {s}." not in used)


def _ip(*arguments: str) -> str:
    return _call("ip", *arguments)


def _call(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NetworkFailed(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        raise NetworkFailed(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
