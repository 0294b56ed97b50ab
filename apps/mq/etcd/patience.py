"""How much longer than usual a call to etcd may take."""

from collections.abc import Iterable

MAX_PATIENCE = 4.0


class Patience:
    """A factor on every deadline; it doubles, up to MAX_PATIENCE, until an answer arrives.

    So a cluster that is slow for good still gets somewhere. Where only some servers do not answer,
    being patient with the next one is time lost: it doubles when all have failed in turn, some of
    them by missing a deadline. Whoever uses it sees that one thread at a time calls `failed`.
    """

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = frozenset(addresses)
        self._failed: set[str] = set()
        self._was_late = False
        self.factor = 1.0

    def failed(self, address: str, factor: float, *, was_late: bool) -> None:
        """A server gave no outcome to a call that was made with this factor.

        Of many calls that miss one deadline together only the first counts.
        """
        self._failed.add(address)
        self._was_late |= was_late
        if self._failed >= self._addresses:
            if self._was_late:
                self.factor = max(self.factor, min(2 * factor, MAX_PATIENCE))
            self._failed.clear()
            self._was_late = False

    def answered(self) -> None:
        """A call was answered in time."""
        self.factor = 1.0
        if self._failed:
            self._failed.clear()
            self._was_late = False
