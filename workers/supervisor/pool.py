"""The processes of one role on this machine: as many as asked for, restarted, drained."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from apps.embedded.processes import Child
from workers.supervisor.log_follower import rotate
from workers.supervisor.restarts import Restarts
from workers.supervisor.watched import Watched

# A process that died is started after 0.5, 1, 2 and 4 s; the next death in a row is a crash loop.
LIMIT, FIRST_DELAY_S = 4, 0.5
# A worker has this long to finish what it has in hand; its own grace is 4 s and a call to etcd.
DRAIN_S = 15.0
# What every command of ours ends with when starting it again cannot help: wrong arguments.
WRONG_ARGUMENTS = 2


@dataclass
class Draining:
    """A process that was asked to stop, and when its time is over (monotonic)."""

    number: int
    child: Child
    deadline: float


class Pool:
    """Workers of one role. `make` makes one, not started, by its number; `say` tells a person.

    `may_finish`: one that ends with 0 has done its work, and no more are started after it.
    """

    def __init__(
        self,
        role: str,
        make: Callable[[int], Child],
        say: Callable[[str], None],
        *,
        may_finish: bool = False,
    ) -> None:
        self._role = role
        self._make = make
        self._say = say
        self._may_finish = may_finish
        self._workers: dict[int, Watched] = {}
        self._draining: list[Draining] = []
        self._lost = 0
        self.wanted = 0
        self.restarts = 0
        self.finished = False

    @property
    def count(self) -> int:
        """Workers that run or are about to be started again."""
        return len(self._workers)

    @property
    def lost(self) -> int:
        """Workers that crashed so often that they are left alone."""
        return self._lost

    @property
    def failed(self) -> bool:
        """Whether none is left because each crashed too often."""
        return bool(self._lost) and not self._workers

    def step(self) -> None:
        """Look after each worker once, and start or drain as many as differ from `wanted`.

        Raises StartFailed when the program cannot be executed.
        """
        for number, watched in list(self._workers.items()):
            if not self._goes_on(watched):
                del self._workers[number]
        self._look_after_draining()
        wanted = min(self.wanted, self.count) if self.finished else self.wanted - self._lost
        while self.count < wanted:
            self._start()
        while self.count > max(wanted, 0):
            self._drain(max(self._workers))

    def ask_to_stop(self) -> None:
        """Drain all; `stopped` tells when that is done."""
        self.wanted = 0
        for number in list(self._workers):
            self._drain(number)

    def stopped(self) -> bool:
        """Whether all that were asked to stop have ended; those whose time is over are killed."""
        self._look_after_draining()
        return not self._draining

    def _goes_on(self, watched: Watched) -> bool:
        child = watched.child()
        if self._may_finish and child.returncode == 0:
            self._say(f"[{child.name}] has finished")
            self.finished = True
            return False
        if child.returncode == WRONG_ARGUMENTS:
            self._say(f"[{child.name}] refused its arguments: {child.tail()}")
        elif watched.step():
            return True
        self._lost += 1
        child.kill()
        return False

    def _start(self) -> None:
        taken = {*self._workers, *(one.number for one in self._draining)}
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        child = self._make(number)
        rotate(child.log)
        watched = Watched(
            child.name, lambda: child, lambda: self._restart(child), self._say,
            Restarts(LIMIT, FIRST_DELAY_S),
        )  # fmt: skip
        child.start()
        self._workers[number] = watched

    def _restart(self, child: Child) -> None:
        child.kill()  # what it may have left behind
        self.restarts += 1
        child.start()

    def _drain(self, number: int) -> None:
        child = self._workers.pop(number).child()
        child.ask_to_stop()
        self._draining.append(Draining(number, child, time.monotonic() + DRAIN_S))

    def _look_after_draining(self) -> None:
        for one in list(self._draining):
            late = time.monotonic() > one.deadline
            if one.child.running and not late:
                continue
            if one.child.running:
                self._say(f"[{one.child.name}] did not stop in {DRAIN_S:g} s and was killed")
            one.child.kill()
            self._draining.remove(one)
