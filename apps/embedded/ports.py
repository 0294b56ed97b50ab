"""Free TCP ports on loopback."""

import os
import random
import socket
from collections import deque

# Below the range that Linux gives to outgoing connections (32768 up), which could take a port
# between this check and the server's bind.
LOWEST, HIGHEST = 20_000, 32_000
# Processes that start servers at the same time look in different parts of it, if they can.
SLICES = 12
_given: deque[int] = deque(maxlen=200)


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        # Servers set this too; without it a connection in TIME_WAIT would look like a server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None) -> int:
    """`preferred` if it is free, else another free port. Raises OSError if there is none."""
    if preferred is not None and is_free(preferred):
        return preferred
    size = (HIGHEST - LOWEST) // SLICES
    start = LOWEST + os.getpid() % SLICES * size
    own = range(start, start + size)
    for port in [*random.sample(own, 200), *random.sample(range(LOWEST, HIGHEST), 200)]:
        # What was given a moment ago may not be taken yet.
        if port not in _given and is_free(port):
            _given.append(port)
            return port
    raise OSError(f"no free port found among 400 tried between {LOWEST} and {HIGHEST}")
