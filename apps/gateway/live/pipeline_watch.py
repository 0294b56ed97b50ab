"""The pipeline's state, read once a second for everybody who listens, and not without listeners."""

import asyncio
import logging
from weakref import WeakKeyDictionary

from apps.gateway.live.feed import Feed
from apps.gateway.live.message import Message, error, message
from apps.gateway.rest.pipeline_state import pipeline_state
from apps.gateway.rest.refusals import QueueUnavailable
from telemetry_project.queue import queue_config

logger = logging.getLogger(__name__)

EVERY_S = 1.0


class Newest:
    """What one listener has not been sent yet: the newest state and no other.

    An error that goes on is told once.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._message: Message | None = None
        self._error = ""

    def offer(self, message: Message) -> None:
        """Replace what waits."""
        is_error = message.kind == "error"
        if not is_error or message.text != self._error:
            self._message = message
            self._feed.wake()
        self._error = message.text if is_error else ""

    def take(self) -> Message | None:
        """What waits, once."""
        waiting, self._message = self._message, None
        return waiting


class PipelineWatch:
    """The listeners of one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[Feed, Newest] = {}
        self._task: asyncio.Task[None] | None = None

    def join(self, feed: Feed) -> None:
        """Send the state to this feed from now on."""
        self._listeners[feed] = Newest(feed)
        feed.outlets["pipeline"] = self._listeners[feed]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    def leave(self, feed: Feed) -> None:
        """Send it nothing more."""
        self._listeners.pop(feed, None)
        feed.outlets.pop("pipeline", None)

    async def _watch(self) -> None:
        while self._listeners:
            found = await asyncio.to_thread(_read)
            for listener in self._listeners.values():
                listener.offer(found)
            await asyncio.sleep(EVERY_S)


def _read() -> Message:
    try:
        state = pipeline_state(queue_config()).read()
    except QueueUnavailable as unavailable:
        return error(503, str(unavailable.detail))
    except Exception:
        logger.exception("Reading the pipeline for live clients has failed")
        return error(500, "A fault of the gateway; its log has the reason.")
    return message("pipeline", pipeline=state)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, PipelineWatch] = WeakKeyDictionary()


def pipeline_watch() -> PipelineWatch:
    """The one of the running event loop; a server has one loop, tests have many."""
    return _watches.setdefault(asyncio.get_running_loop(), PipelineWatch())
