"""Stores what one take brought, whatever it holds, as soon as PostgreSQL lets it."""

import logging
import threading
from collections.abc import Callable

from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
)

from apps.mq.outage import Outage
from apps.telemetry.dead_letters import Unstorable, bury
from apps.telemetry.ingest import store
from workers.collector.decoding import Decoded

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
# What is wrong with the data. Anything else (a missing table, a bug) ends the collector instead:
# the messages then stay in the queue rather than become dead letters one and all.
BAD_DATA = (DataError, IntegrityError, ValueError, OverflowError, TypeError)


class StoringStopped(Exception):
    """The time to finish is over and PostgreSQL has not taken the records."""


class Storing:
    """Writes to one cluster; for one thread, whose database connection it uses.

    `over` ends the waiting for PostgreSQL with StoringStopped.
    """

    def __init__(self, cluster: str, over: threading.Event) -> None:
        self._cluster = cluster
        self._over = over
        self._outage = Outage("storing in PostgreSQL", logger)

    def store(self, decoded: Decoded) -> int:
        """Store records and dead letters; how many messages became dead letters.

        Safe to repeat. Raises StoringStopped.
        """
        buried = len(decoded.unstorable)
        if decoded.unstorable:
            self._persist(lambda: bury(self._cluster, decoded.unstorable))
        try:
            self._persist(lambda: store(self._cluster, decoded.records))
        except BAD_DATA as error:
            logger.warning("storing record by record, since a batch was refused: %s", error)
            buried += self._store_one_by_one(decoded)
        return buried

    def close(self) -> None:
        """Close this thread's database connection."""
        connection.close()

    def _store_one_by_one(self, decoded: Decoded) -> int:
        """One bad record must not keep the others out; how many were bad."""
        buried = 0
        for record, message in zip(decoded.records, decoded.messages, strict=True):
            try:
                self._persist(lambda record=record: store(self._cluster, [record]))  # type: ignore[misc]
            except BAD_DATA as error:
                letter = Unstorable(*message, f"refused when stored: {error}")
                self._persist(lambda letter=letter: bury(self._cluster, [letter]))  # type: ignore[misc]
                buried += 1
        return buried

    def _persist(self, write: Callable[[], object]) -> None:
        """Do it, again and again while the connection is lost or PostgreSQL is short of something.

        Raises one of BAD_DATA when the data itself is refused.
        """
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                write()
            except (OperationalError, InterfaceError) as error:
                self._outage.begin(error)
                close_old_connections()
                if self._over.wait(pause_s):
                    raise StoringStopped("stopped before PostgreSQL took the records") from error
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                self._outage.end()
                return
