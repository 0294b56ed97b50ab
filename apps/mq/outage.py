"""Says once that a server cannot be reached, and once that it is back."""

import logging
import time


class Outage:
    """The state of one connection, for logging that does not repeat itself; not thread-safe."""

    def __init__(self, what: str, logger: logging.Logger) -> None:
        self._what = what
        self._logger = logger
        self._since: float | None = None

    def begin(self, error: Exception) -> None:
        """Note a failure; only the first of a row is logged."""
        if self._since is None:
            self._since = time.monotonic()
            self._logger.warning("%s: %s; trying again until it answers", self._what, error)

    def end(self) -> None:
        """Note a success; logged when it follows a failure."""
        if self._since is not None:
            seconds = time.monotonic() - self._since
            self._logger.warning("%s: works again after %.1f s", self._what, seconds)
            self._since = None
