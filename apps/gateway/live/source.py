"""The connection to PostgreSQL on which a process listens, and reads what changed."""

import asyncio
import logging
import random
import time
from typing import Any, Protocol

import psycopg
from django.db import connections

from apps.mq.outage import Outage
from apps.telemetry.channel import CHANNEL
from apps.telemetry.queries.changes import Changes, read_changes

logger = logging.getLogger(__name__)

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

# Commits come up to a hundred times a second: no more than one read in this time takes them in.
READ_EVERY_S = 0.05
# Whether somebody asked for a read, or nobody is there any more, is looked at so often.
LOOK_EVERY_S = 0.25
# Without a notice: a table may be written to by other means, and a dead network says nothing.
READ_ANYWAY_S = 10.0
# A read of everything finds GPUs that were deleted.
READ_ALL_S = 60.0
READ_TIMEOUT_S = 10.0
RETRY_S = (0.2, 5.0)
# Of psycopg's parameters, what only Django's own connections need.
_DJANGO_ONLY = {"cursor_factory", "context", "prepare_threshold"}


class Reader(Protocol):
    """Whoever wants to know what changes."""

    read_asked: bool

    @property
    def is_wanted(self) -> bool:
        """Whether reading is to go on."""

    def begin(self, changes: Changes) -> None:
        """Every GPU; what was known before may have gaps."""

    def replace(self, changes: Changes) -> None:
        """Every GPU, as a correction of what is known."""

    def add(self, changes: Changes) -> None:
        """What is new since the last read."""

    def lose(self) -> None:
        """PostgreSQL does not answer."""


class Source:
    """Reads for one `Reader` as long as it is wanted."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._outage = Outage("following what changes, for live clients", logger)

    async def follow(self) -> None:
        """Listen and read; begin again, after a while, whenever the connection is lost."""
        failures = 0
        while self._reader.is_wanted:
            try:
                async with await _connect() as connection:
                    await self._begin(connection)
                    self._outage.end()
                    failures = 0
                    await self._read_on(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                self._outage.begin(error)
            except Exception:
                # Without a reader every client would wait for ever.
                logger.exception("Following what changes has failed; it begins again")
            else:
                continue  # somebody may have come while the connection was being closed
            self._reader.lose()
            await asyncio.sleep(_pause_s(failures))
            failures += 1

    async def _begin(self, connection: Connection) -> None:
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        changes = await _read(connection, None)
        self._snapshot = changes.snapshot
        self._read_at = self._all_at = time.monotonic()
        self._reader.begin(changes)

    async def _read_on(self, connection: Connection) -> None:
        while self._reader.is_wanted:
            if await self._is_time(connection):
                await self._read(connection)

    async def _is_time(self, connection: Connection) -> bool:
        """Wait for a notice, a while at most; whether to read now."""
        noticed = False
        async for _ in connection.notifies(timeout=LOOK_EVERY_S, stop_after=1):
            noticed = True
        if noticed:
            await asyncio.sleep(self._read_at + READ_EVERY_S - time.monotonic())
        overdue = time.monotonic() - self._read_at > READ_ANYWAY_S
        return noticed or overdue or self._reader.read_asked

    async def _read(self, connection: Connection) -> None:
        self._reader.read_asked = False
        everything = time.monotonic() - self._all_at > READ_ALL_S
        changes = await _read(connection, None if everything else self._snapshot)
        self._read_at = time.monotonic()
        self._snapshot = changes.snapshot
        if everything:
            self._all_at = self._read_at
            self._reader.replace(changes)
        else:
            self._reader.add(changes)


def _pause_s(failures: int) -> float:
    """Longer from failure to failure, and not the same in every worker."""
    shortest, longest = RETRY_S
    return random.uniform(0.8, 1.2) * min(longest, shortest * 2.0 ** min(failures, 10))


async def _read(connection: Connection, since: str | None) -> Changes:
    async with asyncio.timeout(READ_TIMEOUT_S):
        return await read_changes(connection, since)


async def _connect() -> Connection:
    """A connection like Django's own, to the same database."""
    parameters = connections["default"].get_connection_params()
    own = {name: value for name, value in parameters.items() if name not in _DJANGO_ONLY}
    own["application_name"] = "gateway live"
    return await psycopg.AsyncConnection.connect(**own, autocommit=True)
