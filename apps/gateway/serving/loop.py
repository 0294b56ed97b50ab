"""The event loop of a worker, where a request begins in a thread and not in the loop."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

import uvloop

from apps.gateway.serving.front import begins_in_thread
from apps.gateway.serving.pool import Pool


class Loop(uvloop.Loop):
    """Of what the server hands it, plain requests begin in a thread of the pool.

    Should the server hand them over otherwise one day, they begin in the loop and go to the pool
    from there.
    """

    def begin_in(self, pool: Pool) -> None:
        """Before it runs."""
        self._pool = pool

    def call_soon_threadsafe(  # type: ignore[override] # as wide, in fewer words
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Any:
        """As asyncio's, which says nothing of requests."""
        here = super().call_soon_threadsafe
        if _is_request(*args):
            return self._pool.begin(args[0], lambda: here(callback, *args, context=context))
        return here(callback, *args, context=context)


def _is_request(coroutine: Any = None, watcher: Any = None, *_: Any) -> bool:
    """As granian hands one over: what answers it, and what watches over that and has its scope."""
    scope = getattr(watcher, "scope", None)
    return scope is not None and asyncio.iscoroutine(coroutine) and begins_in_thread(scope)
