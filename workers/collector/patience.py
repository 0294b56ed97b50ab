"""Repeats a write that failed through no fault of the data."""

import logging
import threading
from collections.abc import Callable

from django.db import connection
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from apps.mq.outage import Outage
from workers.collector.failures import Fault, fault_of, trouble
from workers.observability import metrics

logger = logging.getLogger(__name__)

LONGEST_PAUSE_S = 5.0
TRIES = 4  # of what fails unexpectedly: with the pauses about a second
_BACKOFF = wait_exponential_jitter(multiplier=0.1, max=LONGEST_PAUSE_S, jitter=0.1)


class StoringStopped(Exception):
    """The time to finish is over and PostgreSQL has not taken the records."""


class Patience:
    """Waits for PostgreSQL as long as it takes; for one thread, whose connection it renews.

    Once `over` is set, every wait ends with StoringStopped.
    """

    def __init__(self, over: threading.Event) -> None:
        self._over = over
        self._trouble = ""
        self._outage = Outage("storing in PostgreSQL", logger)
        self._while_away = Retrying(
            retry=retry_if_exception(lambda error: fault_of(error) is Fault.SERVER),
            wait=_BACKOFF, sleep=self._pause, before_sleep=self._say_trouble, reraise=True,
        )  # fmt: skip
        self._some_times = Retrying(
            retry=retry_if_exception(
                lambda error: fault_of(error) is Fault.BUG and not isinstance(error, StoringStopped)
            ),
            stop=stop_after_attempt(TRIES),
            wait=_BACKOFF, sleep=self._pause, before_sleep=self._say_bug, reraise=True,
        )  # fmt: skip

    def until_taken(self, write: Callable[[], object]) -> None:
        """Do it, again and again while PostgreSQL cannot take anything.

        Raises what `write` raises for any other reason, and StoringStopped.
        """
        self._while_away(write)
        self._outage.end()
        self._trouble = ""

    def with_tries(self, write: Callable[[], object]) -> None:
        """The same, and a few times more when it fails for a reason that nobody foresaw."""
        self._some_times(lambda: self.until_taken(write))

    def check(self) -> None:
        """Raise StoringStopped when the time is over."""
        if self._over.is_set():
            raise StoringStopped("the time to finish is over")

    def _pause(self, seconds: float) -> None:
        # What is wrong may be this connection: its server is a standby now, its state is unclear.
        connection.close()
        if self._over.wait(seconds):
            raise StoringStopped(self._trouble or "stopped before another try")

    def _say_trouble(self, state: RetryCallState) -> None:
        metrics.STORE_RETRIES.labels(Fault.SERVER.name.lower()).inc()
        error = _error_of(state)
        if (now := trouble(error)) != self._trouble:
            # Said once; and again when it is another trouble than before.
            self._trouble, self._outage = now, Outage("storing in PostgreSQL", logger)
        self._outage.begin(RuntimeError(now))

    def _say_bug(self, state: RetryCallState) -> None:
        metrics.STORE_RETRIES.labels(Fault.BUG.name.lower()).inc()
        if state.attempt_number == 1:
            logger.error("storing failed unexpectedly; trying again", exc_info=_error_of(state))


def _error_of(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    assert error is not None
    return error
