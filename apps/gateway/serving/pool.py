"""The threads that answer requests.

`concurrent.futures` under asyncio passes each result through two futures and their locks: an eighth
of what the server costs for an empty view.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Pool:
    """At most `threads` calls at once, first come, first served; the threads die with the process.

    They start with the first call, which comes after every fork.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._started = False

    def run(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """What `call` returns or raises in a thread, for the running event loop to await."""
        if not self._started:
            self._started = True
            for number in range(self._threads):
                threading.Thread(target=self._work, name=f"http-{number}", daemon=True).start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((call, future))
        return future

    def _work(self) -> None:
        while True:
            _do(*self._jobs.get())


def _do(call: Callable[[], Any], future: "asyncio.Future[Any]") -> None:
    try:
        result = call()
    except BaseException as error:  # the awaiting side is told, whatever it is
        _tell(future, future.set_exception, error)
    else:
        _tell(future, future.set_result, result)


def _tell(future: "asyncio.Future[Any]", how: Callable[[Any], None], outcome: Any) -> None:
    """In the loop's thread; whoever awaited may have been cancelled."""
    future.get_loop().call_soon_threadsafe(lambda: None if future.done() else how(outcome))
