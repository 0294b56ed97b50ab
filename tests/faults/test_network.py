"""The network of the fault suite: links that are cut, hosts that are mute, and no traces left.

Here, and so before the browser's tests and not beside them: Chromium ends every request that is
under way when an interface of the machine comes or goes.
"""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.etcd_cluster import EtcdCluster
from tests.faults.etcd_program import needs_sound_etcd
from tests.faults.network import Host, Network, remove_leftovers

PATIENCE_S = 30
SILENCE_S = 0.3
PORT = 9000
ECHO = f"""
import socket
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind(("", {PORT}))
while True:
    data, sender = server.recvfrom(100)
    print(data.decode(), flush=True)
    server.sendto(data, sender)
"""
KILLED = """
import os, signal
from tests.faults.network import Network
with Network(2):
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Peer:
    """A program on a host that says what it receives, and sends it back."""

    def __init__(self, host: Host) -> None:
        self._program = subprocess.Popen(
            [*host.prefix, sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True
        )
        self._heard: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._address = host.address, PORT

    def _listen(self) -> None:
        for line in self._program.stdout or ():
            self._heard.put(line.strip())

    def asked(self, question: str, timeout_s: float = SILENCE_S) -> tuple[bool, bool]:
        """Whether it hears a datagram, and whether its answer arrives."""
        self._socket.sendto(question.encode(), self._address)
        try:
            heard = self._heard.get(timeout=timeout_s) == question
        except queue.Empty:
            heard = False
        self._socket.settimeout(timeout_s)
        try:
            answered = self._socket.recv(100) == question.encode()
        except TimeoutError:
            answered = False
        return heard, answered

    def reached(self) -> bool:
        """Asked until it answers: it may be starting, or its link."""
        return any(all(self.asked(f"reached? {n}")) for n in range(int(PATIENCE_S / SILENCE_S)))

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        self._socket.close()


@pytest.fixture
def network() -> Iterator[Network]:
    if reason := Network.available():
        pytest.skip(reason)
    with Network(3) as network:
        yield network


@pytest.fixture
def peers(network: Network) -> Iterator[list[Peer]]:
    peers = [Peer(host) for host in network.hosts]
    yield peers
    for peer in peers:
        peer.close()


def names() -> str:
    return subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout


def test_a_cut_host_hears_nothing_while_the_others_do_and_is_back_when_healed(network, peers):
    assert all(peer.reached() for peer in peers)
    network.cut(1)
    assert peers[1].asked("cut") == (False, False)
    assert peers[0].reached()
    network.heal(1)
    assert peers[1].reached()


def test_a_mute_host_hears_and_cannot_answer_until_healed(network, peers):
    assert peers[2].reached()
    network.mute(2)
    assert peers[2].asked("mute", timeout_s=2.0) == (True, False)
    network.heal(2)
    network.heal(2)
    assert peers[2].reached()


@needs_sound_etcd
@pytest.mark.parametrize("fault", [Network.cut, Network.mute])
def test_a_leader_that_cannot_be_heard_is_replaced_and_follows_when_healed(
    network, tmp_path, fault
):
    with EtcdCluster(tmp_path, members=3, hosts=network.hosts) as cluster:
        first = cluster.leader()
        fault(network, first)
        assert cluster.leader() != first
        network.heal(first)
        cluster.wait_healthy()


def test_nothing_is_left_behind_not_even_by_a_killed_run(network):
    killed = subprocess.Popen([sys.executable, "-c", KILLED], cwd=Path(__file__).parents[2])
    assert killed.wait(PATIENCE_S) == -signal.SIGKILL
    assert f"flt{killed.pid}-" in names()
    remove_leftovers()
    assert f"flt{killed.pid}-" not in names()
    assert f"flt{os.getpid()}-" in names()
    with Network(1) as second:
        assert second.hosts[0].name in names()
        assert second.hosts[0].address not in {host.address for host in network.hosts}
    assert second.hosts[0].name not in names()
    assert not Path("/sys/class/net", second.hosts[0].name).exists()
