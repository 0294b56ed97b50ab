"""The threads that sample: as many as are needed at once, and no more than a bound."""

import logging
import threading
import time
from queue import Empty, SimpleQueue
from typing import NamedTuple

from workers.live import metrics
from workers.live.entry import Entry
from workers.sources.source import Chunk, SourceError

logger = logging.getLogger(__name__)

MAX_THREADS = 64


class Outcome(NamedTuple):
    """What came of one sample."""

    entry: Entry
    result: Chunk | SourceError


class Samplers:
    """Threads do not keep the process alive: one that waits for a dead host is left behind."""

    def __init__(self, max_threads: int = MAX_THREADS) -> None:
        self._max_threads = max_threads
        self._tasks: SimpleQueue[Entry | None] = SimpleQueue()
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._threads = 0
        self._in_hand = 0

    def begin(self, entry: Entry) -> None:
        """Have a source sampled; `outcomes` tells what came of it."""
        self._in_hand += 1
        if self._threads < min(self._in_hand, self._max_threads):
            self._threads += 1
            threading.Thread(target=self._work, name="live sampler", daemon=True).start()
        self._tasks.put(entry)

    def outcomes(self, timeout_s: float) -> list[Outcome]:
        """What is done; waits so long for the first one."""
        found: list[Outcome] = []
        try:
            found.append(self._outcomes.get(timeout=timeout_s))
            while True:
                found.append(self._outcomes.get_nowait())
        except Empty:
            self._in_hand -= len(found)
            return found

    def close(self) -> None:
        """Let every thread end once it is done with what it has."""
        for _ in range(self._threads):
            self._tasks.put(None)

    def _work(self) -> None:
        while (entry := self._tasks.get()) is not None:
            self._outcomes.put(Outcome(entry, _sample(entry)))


def _sample(entry: Entry) -> Chunk | SourceError:
    started = time.perf_counter()
    try:
        return entry.source.sample()
    except SourceError as error:
        return error
    except Exception as error:  # a bug met by one source must not end the others
        logger.exception("%s: could not be sampled", entry.source.name)
        return SourceError(f"{entry.source.name}: {type(error).__name__}: {error}")
    finally:
        metrics.SAMPLES.inc()
        metrics.SAMPLE_S.observe(time.perf_counter() - started)
