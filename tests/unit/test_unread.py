"""A client that asks and reads nothing loses its connection."""

import asyncio
import socket

import pytest

from apps.gateway.serving.unread import limit_unread

DEADLINE_S = 60


def test_what_nobody_reads_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        asyncio.run(limit_unread(0.5))
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(listening.getsockname())
            accepted, _ = listening.accept()
            with accepted, pytest.raises(TimeoutError, match="Connection timed out"):
                send_for_ever(accepted)


def send_for_ever(accepted):
    accepted.settimeout(DEADLINE_S)
    while True:
        accepted.sendall(bytes(1 << 20))
