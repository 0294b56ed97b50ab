"""Keys under the queue's prefixes that are not of its format: said once each, and left alone."""

import logging
from collections.abc import Iterable

logger = logging.getLogger(__name__)

MAX_REPORTED = 1000


class StrangeKeys:
    """Remembers what was reported; after MAX_REPORTED keys it says so and reports no more."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._reported: set[bytes] = set()

    def report(self, keys: Iterable[bytes]) -> None:
        """Log each key that was not reported before."""
        for key in keys:
            if len(self._reported) >= MAX_REPORTED:
                return
            if key not in self._reported:
                self._say(key)

    def _say(self, key: bytes) -> None:
        self._reported.add(key)
        logger.warning(
            "the key %r is not of the form %s; it is left alone",
            key.decode(errors="replace"),
            self._form,
        )
        if len(self._reported) == MAX_REPORTED:
            logger.warning("%d such keys are reported; more are left alone unsaid", MAX_REPORTED)
