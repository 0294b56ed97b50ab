"""The event loop of a worker, where a request begins in a thread and not in the loop."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

import uvloop

from apps.gateway.serving.pool import Pool


class Loop(uvloop.Loop):
    """What the server hands it begins in a thread of the pool, and most of it is answered there.

    Should the server hand requests over otherwise one day, they begin in the loop and go to the
    pool from there.
    """

    def begin_in(self, pool: Pool) -> None:
        """Before it runs."""
        self._pool = pool

    def call_soon_threadsafe(  # type: ignore[override] # as wide, in fewer words
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Any:
        """As asyncio's, which says nothing of coroutines."""
        here = super().call_soon_threadsafe
        # As granian has it: what makes a task, of a request's coroutine, for what watches over it.
        # asgiref hands coroutines over too, without a watcher.
        if len(args) == 2 and asyncio.iscoroutine(args[0]):
            return self._pool.begin(args[0], lambda: here(callback, *args, context=context))
        return here(callback, *args, context=context)
