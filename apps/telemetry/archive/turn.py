"""Archive, retention and restore take turns: what one decides on must not change meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from apps.telemetry.single_run import single_run


class NotOurTurn(RuntimeError):
    """An archive, retention or restore run is at work, here or on another machine."""


@contextmanager
def our_turn() -> Iterator[None]:
    """Nobody else archives, drops or restores days until the block ends. Raises NotOurTurn."""
    with single_run("telemetry.history") as is_ours:
        if not is_ours:
            raise NotOurTurn(
                "days are archived, dropped or restored by another process at this moment; let that"
                " run finish"
            )
        yield
