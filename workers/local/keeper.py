"""Keeps the servers and programs of a local run alive, and stops them in a written order."""

import time
from collections.abc import Callable, Mapping

from apps.embedded.processes import Child, stop_all
from apps.embedded.stack import Server, Stack
from workers.supervisor.log_follower import rotate
from workers.supervisor.watched import Watched

# Of the ten seconds that a stop may take, what the servers keep for themselves.
SERVERS_STOP_S = 3.0


class Keeper:
    """Programs by name, on the servers of a started `stack`."""

    def __init__(
        self, stack: Stack, programs: Mapping[str, Child], say: Callable[[str], None]
    ) -> None:
        self._stack = stack
        self._programs = programs
        self._say = say
        self._watched: list[Watched] = []

    def start(self) -> None:
        """Start every program in order. Raises StartFailed."""
        self._watched = [
            _watch_server(server, self._say) for server in self._stack.started_servers()
        ]
        for child in self._programs.values():
            rotate(child.log)
            self._watched.append(_watch_program(child, self._say))
            child.start()

    def step(self) -> bool:
        """Look after each once; False when one died too often and the run should end."""
        return all(watched.step() for watched in self._watched)

    def stop(self, timeout_s: float) -> None:
        """Stop the programs, then the servers, all within `timeout_s`.

        The pipeline stops its workers from the source on; what others still publish meanwhile
        waits in the queue for the next start.
        """
        deadline = time.monotonic() + timeout_s
        for name in stop_all([*self._programs.values()], timeout_s - SERVERS_STOP_S):
            self._say(f"[{name}] did not stop in time and was killed")
        self._stack.stop(max(SERVERS_STOP_S, deadline - time.monotonic()))

    def kill(self) -> None:
        """End everything at once; committed data stays."""
        for child in self._programs.values():
            child.kill()
        self._stack.stop(0)


def _watch_program(child: Child, say: Callable[[str], None]) -> Watched:
    return Watched(child.name, lambda: child, child.start, say)


def _watch_server(server: Server, say: Callable[[str], None]) -> Watched:
    return Watched(server.child.name, lambda: server.child, server.restart, say)
