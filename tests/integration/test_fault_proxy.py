"""The proxy of the fault suite delays, loses and resets what it is told to, and nothing else."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.tcp_proxy import TcpProxy

PATIENCE_S = 30
# How long nothing arrives before it is taken for lost.
SILENCE_S = 0.3


class EchoServer:
    """Sends back what it gets, and remembers it."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(connection)
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(1 << 16):
                self.received += data
                connection.sendall(data)

    def close(self) -> None:
        for one in self._sockets:
            # Wakes a thread that waits on it, which closing alone does not.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: EchoServer) -> Iterator[TcpProxy]:
    with TcpProxy(echo.address, seed=1) as proxy:
        yield proxy


def connect(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def exchange(connection: socket.socket, data: bytes) -> bytes:
    """What comes back until the server has seen the end."""

    def send() -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    sender.join()
    return answer


def assert_silent(connection: socket.socket) -> None:
    connection.settimeout(SILENCE_S)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    connection.settimeout(PATIENCE_S)


def assert_works(proxy: TcpProxy) -> None:
    with connect(proxy.address) as connection:
        assert exchange(connection, b"ping") == b"ping"


def test_a_proxy_left_alone_carries_every_byte_both_ways_and_the_end(proxy):
    data = random.Random(2).randbytes(5_000_000)
    with connect(proxy.address) as connection:
        assert exchange(connection, data) == data


def test_delayed_chunks_come_late_in_both_directions_and_in_order(proxy):
    proxy.delay(0.2, jitter_s=0.15)
    with connect(proxy.address) as connection:
        started = time.monotonic()
        sent = b"".join(b"%6d" % number for number in range(5000))
        for start in range(0, len(sent), 1000):
            connection.sendall(sent[start : start + 1000])
        assert exchange(connection, b"") == sent
        assert time.monotonic() - started >= 2 * (0.2 - 0.15)


def test_a_black_hole_takes_bytes_and_connections_and_heals_by_reset(proxy, echo):
    before = connect(proxy.address)
    before.sendall(b"x")
    assert before.recv(1) == b"x"
    proxy.blackhole()
    before.sendall(b"lost")
    during = connect(proxy.address)
    during.sendall(b"lost")
    assert_silent(before)
    assert_silent(during)
    assert echo.received == b"x"
    proxy.heal()
    for connection in (before, during):
        with connection, pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert_works(proxy)


def test_a_black_hole_does_not_tell_clients_that_the_server_is_gone(proxy, echo):
    with connect(proxy.address) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        proxy.blackhole()
        echo.close()
        client.sendall(b"lost")
        client.shutdown(socket.SHUT_WR)
        assert_silent(client)


def test_swallowed_replies_are_those_of_requests_that_arrived(proxy, echo):
    with connect(proxy.address) as before:
        before.sendall(b"x")
        assert before.recv(1) == b"x"
        proxy.swallow_replies()
        before.sendall(b"y")
        with connect(proxy.address) as during:
            during.sendall(b"z")
            assert_silent(during)
        assert_silent(before)
        assert sorted(echo.received) == sorted(b"xyz")
        proxy.heal()
        with pytest.raises(ConnectionResetError):
            before.recv(1)
    assert_works(proxy)


def test_a_reset_ends_connections_abruptly_and_the_address_stays(proxy):
    address = proxy.address
    with connect(address) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert proxy.address == address
    assert_works(proxy)


def test_connections_that_lost_nothing_survive_healing(proxy):
    with connect(proxy.address) as connection:
        proxy.delay(0.05)
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        proxy.heal()
        assert exchange(connection, b"yz") == b"yz"


def test_a_proxy_whose_target_is_away_ends_connections(proxy, echo):
    echo.close()
    with pytest.raises(ConnectionResetError), connect(proxy.address) as connection:
        connection.recv(1)  # or already when connecting
