"""`python -m tests.faults.failpoints POINT[,POINT…] COMMAND …`: the product with a flaw.

Points where a process dies or dawdles at the worst moment, and three that break the promise on
purpose, with which the suite proves that it would notice. The product itself has no such switches.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import django
from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemetry_project.settings")
django.setup()

from apps.mq import Consumer, consumer, reading  # noqa: E402
from apps.telemetry.ingest import statements  # noqa: E402
from workers.collector.collector import Collector  # noqa: E402
from workers.collector.storing import Storing  # noqa: E402


def main() -> None:
    """Set the points, then run the command as manage.py would."""
    for name in sys.argv[1].split(","):
        POINTS[name]()

    execute_from_command_line(["manage.py", *sys.argv[2:]])


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_before_ack() -> None:
    """Now and then the process is killed between the commit and the acknowledgement."""

    ack = Consumer.ack

    def ack_or_die(self: Consumer, batches: Sequence[Any]) -> None:
        if batches and random.random() < 0.1:
            _die()
        ack(self, batches)

    Consumer.ack = ack_or_die  # type: ignore[method-assign]


def slow_store() -> None:
    """Storing takes a while, so that something can arrive between reading and acknowledging."""

    _before(Storing, "store", lambda: time.sleep(0.3))


def die_before_store() -> None:
    """Now and then the process is killed after taking and before the commit."""

    _before(Storing, "store", lambda: _die() if random.random() < 0.1 else None)


def _before(owner: Any, name: str, act: Callable[[], None]) -> None:
    wrapped = getattr(owner, name)

    def acting(*arguments: Any, **keywords: Any) -> Any:
        act()
        return wrapped(*arguments, **keywords)

    setattr(owner, name, acting)


def break_ack_first() -> None:
    """Sabotage: acknowledge before the commit."""

    finish = Collector.finish

    def ack_first(self: Any, batches: Any, decoded: Any, acknowledging: Any) -> None:
        self._consumer.ack(batches)
        finish(self, batches, decoded, acknowledging)

    Collector.finish = ack_first  # type: ignore[method-assign]


def break_guard() -> None:
    """Sabotage: delete the range whatever has arrived in it since it was read."""

    real = reading.acknowledge

    def unguarded(client: Any, batches: Sequence[Any]) -> bool:
        for batch in batches:
            batch.revision = 1 << 62
        return real(client, batches)

    consumer.acknowledge = unguarded  # type: ignore[attr-defined]


def break_dedupe() -> None:
    """Sabotage: a record that comes again is one more row (the key of the table is dropped too)."""

    one_row = "OFFSET 0) s"
    assert one_row in statements.UPDATE_LATEST
    statements.UPDATE_LATEST = statements.UPDATE_LATEST.replace(one_row, "OFFSET 0 LIMIT 1) s")


POINTS: dict[str, Callable[[], None]] = {
    point.__name__.replace("_", "-"): point
    for point in (
        die_before_ack, slow_store, die_before_store, break_ack_first, break_guard, break_dedupe
    )
}  # fmt: skip


if __name__ == "__main__":
    main()
