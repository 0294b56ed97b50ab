"""Stores what one take brought, whatever it holds, as soon as PostgreSQL lets it."""

import base64
import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import DataError, connection

from apps.mq import Received
from apps.telemetry.dead_letters import Unstorable, bury
from apps.telemetry.ingest import refused, store
from apps.telemetry.records import Record
from workers.collector.decoding import Decoded
from workers.collector.failures import Fault, fault_of, reason
from workers.collector.isolating import isolate
from workers.collector.patience import Patience, StoringStopped
from workers.observability import metrics

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Storing:
    """Writes to one cluster; for one thread, whose database connection it uses.

    `over` ends the waiting for PostgreSQL with StoringStopped.
    """

    def __init__(self, cluster: str, over: threading.Event) -> None:
        self._cluster = cluster
        self._patience = Patience(over)

    def store(self, decoded: Decoded) -> int:
        """Store records and dead letters; how many messages became dead letters.

        Nothing but StoringStopped is raised: what cannot be stored for a reason of its own is a
        dead letter. Safe to repeat.
        """
        pairs = list(zip(decoded.records, decoded.messages, strict=True))
        bad = self._write(pairs, self._store_records, self._refused)
        letters = list(decoded.unstorable)
        letters += [Unstorable(*message, reason(error)) for (_, message), error in bad]
        for letter, error in self._write(letters, lambda some: bury(self._cluster, some)):
            _keep_in_the_log(letter, error)
        metrics.DEAD_LETTERS.inc(len(letters))
        return len(letters)

    def close(self) -> None:
        """Close this thread's database connection."""
        connection.close()

    def _store_records(self, pairs: Sequence[tuple[Record, Received]]) -> None:
        with metrics.STORE_S.time():
            stored = store(self._cluster, [record for record, _ in pairs])
        metrics.RECORDS_STORED.inc(stored.records)
        metrics.RECORDS_MERGED.inc(stored.merged)
        metrics.GPUS_REGISTERED.inc(stored.registered)

    def _refused(self, pairs: Sequence[tuple[Record, Received]]) -> dict[int, str]:
        """Those that PostgreSQL refuses, found at once; empty where that fails as well."""
        found: dict[int, str] = {}
        records = [record for record, _ in pairs]
        self._error_of(pairs, lambda _: found.update(refused(self._cluster, records)))
        return found

    def _write(
        self,
        items: Sequence[T],
        write: Callable[[Sequence[T]], None],
        find: Callable[[Sequence[T]], dict[int, str]] = lambda _: {},
    ) -> list[tuple[T, Exception]]:
        """Write all that can be written; what cannot, with its error. Raises StoringStopped.

        `find` is asked for the places of what is bad; what it does not find is found by halves.
        """
        if not items:
            return []
        try:
            self._patience.with_tries(lambda: write(items))
        except StoringStopped:
            raise
        except Exception as error:
            logger.warning(
                "looking for the bad among %d messages: %s",
                len(items),
                " ".join(reason(error).split()),
            )
            found = find(items) if fault_of(error) is Fault.DATA else {}
        else:
            return []
        bad: list[tuple[T, Exception]] = [(items[n], DataError(why)) for n, why in found.items()]
        rest = [item for n, item in enumerate(items) if n not in found]
        bad += isolate(rest, lambda some: self._error_of(some, write))
        logger.warning("%d of %d messages were wrong", len(bad), len(items))
        return bad

    def _error_of(
        self, items: Sequence[T], write: Callable[[Sequence[T]], None]
    ) -> Exception | None:
        self._patience.check()
        try:
            self._patience.until_taken(lambda: write(items))
        except StoringStopped:
            raise
        except Exception as error:
            return error
        return None


def _keep_in_the_log(letter: Unstorable, error: Exception) -> None:
    """The last resort, so that neither the collector stops nor an acknowledged message is lost."""
    logger.critical(
        "the dead letter %r (%s) could not be kept: %s. This line is its only copy, in base64: %s",
        letter.key, letter.reason, error, base64.b64encode(letter.value).decode(),
    )  # fmt: skip
