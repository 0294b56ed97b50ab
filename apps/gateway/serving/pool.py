"""The threads that answer requests.

`concurrent.futures` under asyncio passes each result through two futures and their locks: an eighth
of what the server costs for an empty view.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from math import inf
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Job = Callable[[], None]
# So many take what comes: more that want the interpreter at once wait for each other, and cost a
# page of telemetry a tenth of its time (docs/adr/0005). The others help when these are held up.
QUICK = 2
SLOW_S = 0.02

log = logging.getLogger(__name__)


class Pool:
    """At most `threads` jobs at once, first come, first served; the threads die with the process.

    They start with the first job, which comes after every fork.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._started = False
        self._starting = threading.Lock()
        # When each of the quick ones took what it has in hand.
        self._since = [inf] * min(QUICK, threads)
        self._asked = threading.Event()

    def run(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """What `call` returns or raises in a thread, for the running event loop to await."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(lambda: _do(call, future))
        return future

    def begin(self, coroutine: Coroutine[Any, Any, Any], go_on: Callable[[], object]) -> None:
        """Run it in a thread, to its end or until it awaits `on_loop`, and `go_on` then."""
        self._put(lambda: _begin(coroutine, go_on))

    def _put(self, job: Job) -> None:
        if not self._started:
            self._start()
        self._jobs.put(job)
        if not self._asked.is_set():
            self._asked.set()

    def _start(self) -> None:
        with self._starting:
            threads = 0 if self._started else self._threads
            self._started = True
        for number in range(threads):
            is_quick = number < len(self._since)
            target, args = (self._work, (number,)) if is_quick else (self._help, ())
            threading.Thread(target=target, args=args, name=f"http-{number}", daemon=True).start()

    def _work(self, number: int) -> None:
        while True:
            job = self._jobs.get()
            self._since[number] = time.monotonic()
            _finish(job)
            self._since[number] = inf

    def _help(self) -> None:
        while True:
            self._asked.wait()
            time.sleep(SLOW_S)
            self._asked.clear()
            with suppress(Empty):
                while self._is_held_up():
                    _finish(self._jobs.get_nowait())
            if not self._jobs.empty():
                self._asked.set()

    def _is_held_up(self) -> bool:
        late = time.monotonic() - SLOW_S
        return all(since < late for since in self._since)


class _OnLoop:
    """What a coroutine awaits that can go on in the event loop alone."""

    def __await__(self) -> Generator["_OnLoop"]:
        if in_thread():
            yield self


on_loop = _OnLoop()


def in_thread() -> bool:
    """Whether no event loop runs here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False


def _begin(coroutine: Coroutine[Any, Any, Any], go_on: Callable[[], object]) -> None:
    with suppress(StopIteration):
        if coroutine.send(None) is on_loop:
            go_on()
        else:
            coroutine.throw(RuntimeError("only `on_loop` can be awaited in a thread"))


def _finish(job: Job) -> None:
    try:
        job()
    except Exception:  # what it is, its own end has told; the thread has others to serve
        log.exception("A request ended without an answer")


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
