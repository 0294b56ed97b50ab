"""What one client gets: answers first, then its subscriptions in turn."""

import asyncio
from collections import deque
from typing import Protocol

from apps.gateway.live.message import Message

# Answers that a client may leave untaken; whoever asks so much and reads nothing is cut off.
MAX_ANSWERS = 100


class Overflow(Exception):
    """The client asks and does not read the answers."""


class Outlet(Protocol):
    """Something that has messages for a client, never more than a few."""

    def take(self) -> Message | None:
        """The next message, if there is one."""


class Feed:
    """The messages of one client, in the order in which they are to be sent."""

    def __init__(self) -> None:
        self.outlets: dict[str, Outlet] = {}
        self._answers: deque[Message] = deque()
        self._waiting: asyncio.Future[None] | None = None

    def answer(self, message: Message) -> None:
        """Send this before anything else. Raises Overflow."""
        if len(self._answers) >= MAX_ANSWERS:
            raise Overflow
        self._answers.append(message)
        self.wake()

    def wake(self) -> None:
        """An outlet has something."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def next(self) -> Message:
        """The next message, once there is one; for one caller at a time."""
        while (found := self._take()) is None:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return found

    def _take(self) -> Message | None:
        if self._answers:
            return self._answers.popleft()
        for name, outlet in self.outlets.items():
            found = outlet.take()
            if found is not None:
                # The others come before it next time.
                self.outlets[name] = self.outlets.pop(name)
                return found
        return None
