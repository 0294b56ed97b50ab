"""Reads that may lag go to a replica of PostgreSQL, where REPLICA_DATABASE_URL names one."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections

REPLICA = "replica"
LOOK_EVERY_S = 1.0
# A replica that hangs answers no look, and is left this long after the last one that it did.
GOOD_FOR_S = 3 * LOOK_EVERY_S
# Compared with the primary, not with what the replica has received: across a cut network it goes
# on believing for a minute that it has received everything.
_WRITTEN = "SELECT pg_current_wal_lsn()::text"
_LAG_S = """
SELECT pg_is_in_recovery(),
       CASE WHEN pg_last_wal_replay_lsn() >= %s::pg_lsn THEN 0
            ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END
"""

log = logging.getLogger(__name__)
_chosen: ContextVar[str] = ContextVar("database of reads", default=DEFAULT_DB_ALIAS)


def alias_of_reads() -> str:
    """The connection that reads of telemetry use at this moment."""
    return _chosen.get()


@contextmanager
def reads_may_lag() -> Iterator[bool]:
    """Reads inside go to the replica, unless there is none or it lags or does not answer.

    Whether they do.
    """
    is_fit = _watch.is_fit()
    token = _chosen.set(REPLICA if is_fit else DEFAULT_DB_ALIAS)
    try:
        yield is_fit
    finally:
        _chosen.reset(token)


@contextmanager
def reads_must_write() -> Iterator[None]:
    """Reads inside go to the primary: they need a table of their own, which a replica refuses."""
    token = _chosen.set(DEFAULT_DB_ALIAS)
    try:
        yield
    finally:
        _chosen.reset(token)


class Router:
    """Django's models of the fleet follow `alias_of_reads`; accounts and uploads never lag."""

    # What is archived too: a day must be on the same side in the table and in the list of days.
    MODELS = frozenset({"archivedday", "cluster", "gpu", "host", "latestsample", "sample"})

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        """The replica for what may lag, else Django's choice."""
        meta = model._meta
        return (
            alias_of_reads()
            if meta.app_label == "telemetry" and meta.model_name in self.MODELS
            else None
        )

    def allow_relation(self, *_: Any, **__: Any) -> bool:
        """Both are the same database."""
        return True

    def allow_migrate(self, db: str, *_: Any, **__: Any) -> bool:
        """A replica gets its tables from its source."""
        return db != REPLICA


class _Watch:
    """Whether the replica may be read, looked at by a thread, so that no request waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._good_until = 0.0
        self._was_fit = False
        self._trouble = ""

    def is_fit(self) -> bool:
        if REPLICA not in settings.DATABASES:
            return False
        is_fit = time.monotonic() < self._good_until
        # Also after a fork, which leaves threads behind.
        if is_fit != self._was_fit or self._thread is None or not self._thread.is_alive():
            with self._lock:
                self._start()
                self._tell(is_fit)
        return is_fit

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="replica", daemon=True)
            self._thread.start()

    def _tell(self, is_fit: bool) -> None:
        if is_fit and not self._was_fit:
            log.info("reads go to the replica")
        elif self._was_fit and not is_fit:
            log.warning("reads go to the primary: %s", self._trouble or "the replica hangs")
        self._was_fit = is_fit

    def _run(self) -> None:
        while True:
            try:
                self._trouble = _trouble()
            except Error as error:
                self._trouble = str(error)
                for alias in (REPLICA, DEFAULT_DB_ALIAS):
                    connections[alias].close()
            self._good_until = 0.0 if self._trouble else time.monotonic() + GOOD_FOR_S
            time.sleep(LOOK_EVERY_S)


def _trouble() -> str:
    """Why the replica may not be read; empty if it may. Raises django.db.Error."""
    with connections[DEFAULT_DB_ALIAS].cursor() as primary:
        primary.execute(_WRITTEN)
        written = primary.fetchone()
    with connections[REPLICA].cursor() as replica:
        replica.execute(_LAG_S, written)
        is_replica, lag_s = replica.fetchone()
    if not is_replica:
        return "REPLICA_DATABASE_URL names no replica (pg_is_in_recovery() is false)"
    if lag_s is None:
        return "the replica does not know how far it is behind"
    return f"the replica is {lag_s:.0f} s behind" if lag_s > settings.REPLICA_MAX_LAG_S else ""


_watch = _Watch()
