"""Nobody holds memory by asking and not reading: the kernel ends such a connection.

What is to be sent lies in the server until the client takes it, a whole page of telemetry or half a
megabyte of an event stream, and neither asyncio nor granian ever gives up on it.
"""

import asyncio
import os
import socket
from contextlib import suppress

# As long as the gateway's own patience with a file that nobody takes.
UNREAD_S = 60.0
LOOK_EVERY_S = 0.1


async def limit_unread(seconds: float = UNREAD_S) -> None:
    """End what this process accepts from now on once its client took nothing for so long.

    The option (tcp(7)) is set on the socket that it listens on, which granian makes when the
    application has started and shows to nobody; what is accepted inherits it.
    """
    while not sum(_limit(int(fd), seconds) for fd in os.listdir("/proc/self/fd")):
        await asyncio.sleep(LOOK_EVERY_S)


def _limit(fd: int, seconds: float) -> bool:
    """Set it where this is a socket that listens for TCP; whether it is."""
    with suppress(OSError):  # most are no sockets, and some are closed meanwhile
        known = socket.socket(fileno=fd)
        try:
            if known.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                milliseconds = round(seconds * 1000)
                known.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
                return True
        finally:
            known.detach()
    return False
