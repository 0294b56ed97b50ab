"""The pipeline's present state, out of what its members tell in etcd."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from apps.gateway.rest.refusals import QueueUnavailable
from apps.mq import EtcdError, QueueConfig
from apps.mq.statistics import Member, Snapshot, Statistics

CACHE_S = 1.0
# A request may not hold its thread for longer than this when etcd is away.
TIMEOUT_S = 1.0
MOST_DECISIONS = 20


class PipelineState:
    """One cluster's state for all threads of this process, looked at once a second at most."""

    def __init__(self, config: QueueConfig) -> None:
        short = replace(config, timeout_s=min(config.timeout_s, TIMEOUT_S))
        self._statistics = Statistics(short)
        self._endpoints = ",".join(config.endpoints)
        self._lock = threading.Lock()
        self._found: dict[str, Any] | None = None
        self._look_at = 0.0

    def read(self) -> dict[str, Any]:
        """The answer of the route. Raises QueueUnavailable."""
        with self._lock:
            if time.monotonic() >= self._look_at:
                self._found = self._look()
                self._look_at = time.monotonic() + CACHE_S
            if self._found is None:
                raise QueueUnavailable(
                    f"etcd at {self._endpoints} does not answer, and what the pipeline does is"
                    " known there alone; is it running? See ETCD_ENDPOINTS."
                )
            return self._found

    def _look(self) -> dict[str, Any] | None:
        try:
            return describe(self._statistics.look())
        except EtcdError:
            return None


@cache
def pipeline_state(config: QueueConfig) -> PipelineState:
    """The one of this process; made on first use, so after every fork."""
    return PipelineState(config)


def describe(snapshot: Snapshot) -> dict[str, Any]:
    """What the route answers of a look at the pipeline."""
    supervisors = snapshot.members.get("supervisor", {})
    collectors = snapshot.members.get("collector", {})
    streamers = snapshot.members.get("streamer", {})
    published, stored = (
        own if own is not None else _told(supervisors, name)
        for name, own in (
            ("published_per_s", snapshot.published_per_s),
            ("stored_per_s", snapshot.stored_per_s),
        )
    )
    return {
        "backlog": snapshot.backlog,
        "published_per_s": published,
        "stored_per_s": stored,
        "seconds_to_drain": _seconds_to_drain(snapshot.backlog, published, stored),
        "instances": {
            "collectors": [_with(name, one, "stored") for name, one in sorted(collectors.items())],
            "streamers": [_with(name, one, "published") for name, one in sorted(streamers.items())],
            "supervisors": [
                _with(name, one, "collectors", "streamers", "targets", "limits", "restarts")
                for name, one in sorted(supervisors.items())
            ],
        },
        "decisions": _decisions(supervisors),
        "advice": list(dict.fromkeys(_advice(snapshot, supervisors))),
    }


def _with(name: str, member: Member, *figures: str) -> dict[str, Any]:
    return {"name": name, **{figure: member.figures.get(figure) for figure in figures}}


def _told(supervisors: Mapping[str, Member], rate: str) -> float | None:
    """A rate as a supervisor measured it."""
    told = (one.figures.get(rate) for one in supervisors.values())
    return next((value for value in told if value is not None), None)


def _seconds_to_drain(backlog: int, published: float | None, stored: float | None) -> float | None:
    """By the rates: None while they are not known, and when the backlog does not shrink."""
    if not backlog:
        return 0.0
    if published is None or stored is None or stored <= published:
        return None
    return round(backlog / (stored - published), 1)


def _decisions(supervisors: Mapping[str, Member]) -> list[dict[str, Any]]:
    """The latest of all supervisors, newest first."""
    made = [one for member in supervisors.values() for one in member.figures.get("decisions", ())]
    return sorted(made, key=lambda one: str(one["at"]), reverse=True)[:MOST_DECISIONS]


def _advice(snapshot: Snapshot, supervisors: Mapping[str, Member]) -> Iterator[str]:
    for member in supervisors.values():
        yield from member.figures.get("advice", ())
    if snapshot.backlog and not snapshot.members.get("collector"):
        yield "Nobody takes what waits: start `manage.py runpipeline` or `manage.py runcollector`."
