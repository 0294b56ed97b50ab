"""Reads that may lag go to a replica of PostgreSQL, where REPLICA_DATABASE_URL names one."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

REPLICA = "replica"
LOOK_EVERY_S = 1.0
# Received is not applied, and a replica that receives nothing may be any time behind.
_LAG_S = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                 AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
            ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END
"""

log = logging.getLogger(__name__)
_chosen: ContextVar[str] = ContextVar("database of reads", default=DEFAULT_DB_ALIAS)


def alias_of_reads() -> str:
    """The connection that reads of telemetry use at this moment."""
    return _chosen.get()


@contextmanager
def reads_may_lag() -> Iterator[None]:
    """Reads inside go to the replica, unless there is none or it lags or does not answer."""
    token = _chosen.set(REPLICA if _health.is_fit() else DEFAULT_DB_ALIAS)
    try:
        yield
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

    MODELS = frozenset({"cluster", "host", "gpu", "sample", "latestsample"})

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


class _Health:
    """Whether the replica may be read, looked at once a second by one thread for all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._look_at = 0.0
        self._fit = False

    def is_fit(self) -> bool:
        if REPLICA not in settings.DATABASES:
            return False
        with self._lock:
            if time.monotonic() >= self._look_at:
                was, self._fit = self._fit, self._look()
                if was and not self._fit:
                    log.warning("the replica lags or is away; reads go to the primary")
                self._look_at = time.monotonic() + LOOK_EVERY_S
            return self._fit

    def _look(self) -> bool:
        try:
            with connections[REPLICA].cursor() as cursor:
                cursor.execute(_LAG_S)
                (lag_s,) = cursor.fetchone()
        except DatabaseError:
            connections[REPLICA].close()
            return False
        return lag_s is not None and lag_s <= settings.REPLICA_MAX_LAG_S


_health = _Health()
