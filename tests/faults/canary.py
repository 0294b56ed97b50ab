"""A record ten times a second through the whole pipeline, timed: what a user would notice."""

import itertools
import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from apps.mq import Message, Publisher, PublishStopped, QueueConfig
from tests.faults.telemetry_file import METRICS, Key, Values

EVERY_S = 0.1
POLL_S = 0.05
UUID = "GPU-canary"
START = datetime(2026, 1, 6, tzinfo=UTC)


@dataclass
class Flight:
    """One record: when it was handed over, acknowledged and seen in the database (monotonic)."""

    key: Key
    values: Values
    handed_at: float
    acknowledged_at: float | None = None
    stored_at: float | None = None


class Canary:
    """Publishes through the product's publisher, and looks for the records in PostgreSQL."""

    def __init__(self, config: QueueConfig, database_url: str) -> None:
        self._database_url = database_url
        self._stop = threading.Event()
        self._publisher = Publisher(config, self._stop)
        self._numbers = itertools.count()
        self.flights: list[Flight] = []
        self._paused = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=f"canary {work.__name__}", daemon=True)
            for work in (self._publish_for_ever, self._look_for_ever)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Send no more; what was sent is still looked for."""
        self._paused.set()

    def stop(self) -> None:
        """End both threads."""
        self._paused.set()
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._publisher.close()

    def _publish_for_ever(self) -> None:
        while not self._paused.wait(EVERY_S):
            try:
                self.publish_one()
            except PublishStopped:
                return

    def publish_one(self) -> Flight:
        """One record, acknowledged when this returns; for one thread at a time."""
        number = next(self._numbers)
        at = START + timedelta(seconds=number)
        values = tuple(float(number % 100) for _ in METRICS)
        flight = Flight((UUID, at), values, time.monotonic())
        self.flights.append(flight)
        fields = {"timestamp": at.isoformat(), "hostname": "canary", "gpu_id": 0, "uuid": UUID}
        value = json.dumps(fields | dict(zip(METRICS, values, strict=True))).encode()
        self._publisher.publish([Message("canary", "0", value)])
        self._publisher.flush()
        flight.acknowledged_at = time.monotonic()
        return flight

    def _look_for_ever(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                with psycopg.connect(self._database_url, autocommit=True) as database:
                    while not self._stop.wait(POLL_S):
                        self._look(database)
            except psycopg.Error:
                continue  # PostgreSQL is one of the things that are broken

    def _look(self, database: psycopg.Connection) -> None:
        pending = {flight.key[1]: flight for flight in self.flights if flight.stored_at is None}
        if not pending:
            return
        rows = database.execute(
            "SELECT s.timestamp FROM telemetry_sample s JOIN telemetry_gpu g ON g.id = s.gpu_id"
            " WHERE g.uuid = %s AND s.timestamp = ANY(%s)",
            (UUID, list(pending)),
        ).fetchall()
        now = time.monotonic()
        for (at,) in rows:
            pending[at].stored_at = now


def longest(spans: Iterable[tuple[float, float]], faults: Iterable[tuple[float, float]]) -> float:
    """The longest span in seconds, without the time in which a fault was in place. Pure."""
    windows = merged(faults)
    return max((end - start - _overlap(start, end, windows) for start, end in spans), default=0.0)


def merged(windows: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Windows in order, those that touch as one. Pure."""
    result: list[tuple[float, float]] = []
    for start, end in sorted(windows):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _overlap(start: float, end: float, windows: list[tuple[float, float]]) -> float:
    return sum(max(0.0, min(end, to) - max(start, since)) for since, to in windows)
