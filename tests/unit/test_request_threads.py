"""The threads that answer requests, and the event loop whose requests begin in them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from apps.gateway.serving.loop import Loop
from apps.gateway.serving.pool import Pool, in_thread, on_loop

PATIENCE_S = 10


@pytest.fixture
def loop() -> Iterator[Loop]:
    """Runs in a thread of its own, with a pool of four."""
    one = Loop()
    one.begin_in(Pool(4))
    thread = threading.Thread(target=one.run_forever, name="the-loop")
    thread.start()
    yield one
    one.call_soon_threadsafe(one.stop)
    thread.join(PATIENCE_S)
    one.close()


def begun(loop: Loop, work: Callable[[], Awaitable[Any]]) -> Any:
    """What it returns or raises, handed to the loop as granian hands it a request."""
    ended: Future[Any] = Future()

    async def request() -> None:
        try:
            ended.set_result(await work())
        except Exception as error:
            ended.set_exception(error)

    loop.call_soon_threadsafe(lambda coroutine, _of: loop.create_task(coroutine), request(), None)
    return ended.result(PATIENCE_S)


def here() -> str:
    return threading.current_thread().name


def test_a_request_begins_and_ends_in_a_thread(loop: Loop) -> None:
    async def work() -> tuple[str, bool]:
        return here(), in_thread()

    name, without_loop = begun(loop, work)
    assert name.startswith("http-")
    assert without_loop


def test_it_goes_on_in_the_loop_when_it_asks_to(loop: Loop) -> None:
    async def work() -> tuple[str, str]:
        first = here()
        await on_loop
        await asyncio.sleep(0)
        await on_loop  # is there
        return first, here()

    first, then = begun(loop, work)
    assert first.startswith("http-")
    assert then == "the-loop"


def test_nothing_else_can_be_awaited_in_a_thread(loop: Loop) -> None:
    async def work() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="only `on_loop`"):
        begun(loop, work)
    assert begun(loop, _nothing) is None  # the threads live


async def _nothing() -> None:
    return None


def test_what_others_hand_to_the_loop_begins_there(loop: Loop) -> None:
    async def work() -> str:
        return here()

    assert asyncio.run_coroutine_threadsafe(work(), loop).result(PATIENCE_S) == "the-loop"
    ended: Future[str] = Future()

    async def tell() -> None:
        ended.set_result(here())

    loop.call_soon_threadsafe(loop.create_task, tell())  # as asgiref does
    assert ended.result(PATIENCE_S) == "the-loop"


def test_what_takes_long_holds_up_nothing_else(loop: Loop) -> None:
    gate, held = threading.Event(), threading.Semaphore(0)

    async def slow() -> bool:
        held.release()
        return gate.wait(PATIENCE_S)

    waiting = [Future[Any]() for _ in range(3)]
    for one in waiting:
        threading.Thread(target=lambda one=one: one.set_result(begun(loop, slow))).start()
    assert all(held.acquire(timeout=PATIENCE_S) for _ in waiting)
    # Three of four are taken, two of them of those that take what comes.
    for _ in range(20):
        assert begun(loop, _nothing) is None
    gate.set()
    assert all(one.result(PATIENCE_S) for one in waiting)


def test_no_more_are_answered_at_once_than_there_are_threads(loop: Loop) -> None:
    gate, held = threading.Event(), threading.Semaphore(0)

    async def slow() -> bool:
        held.release()
        return gate.wait(PATIENCE_S)

    waiting = [Future[Any]() for _ in range(5)]
    for one in waiting:
        threading.Thread(target=lambda one=one: one.set_result(begun(loop, slow))).start()
    assert all(held.acquire(timeout=PATIENCE_S) for _ in range(4))
    assert not held.acquire(timeout=0.3)
    gate.set()
    assert all(one.result(PATIENCE_S) for one in waiting)
