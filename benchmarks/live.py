"""live_500: how long after a commit 500 WebSocket clients of one gateway worker have it."""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

from benchmarks.bench import ROOT, Bench
from benchmarks.http import serving
from benchmarks.result import Result

CLIENTS = 500
PROCESSES = 2
ABOUT = "the same texts to as many clients, made and sent by an application that does nothing else"

Arrivals = Mapping[str, Sequence[float]]


class Incomplete(Exception):
    """A client did not get every tick; the figure would be none."""


def measure(bench: Bench) -> list[Result]:
    """The 99th percentile over all clients and ticks of 250 GPUs at 1 Hz, for `latency_s`."""
    ticks = max(3, int(bench.latency_s))
    with serving(bench, "bare_sockets", ["-m", "benchmarks.bare_sockets"], "/") as address:
        bare = _bare(bench, address, ticks)
    manage = [str(ROOT / "manage.py"), "rungateway", "--port"]
    with serving(bench, "gateway", manage, "/ready", PUBLIC_READ="true") as address:
        live = _live(bench, address, ticks)
    return [Result("live_500", _p99_ms(live), "ms", _p99_ms(bare), ABOUT)]


def _live(bench: Bench, address: str, ticks: int) -> list[float]:
    """Seconds from the commit to each client, tick by tick."""
    writer = _python(bench, "benchmarks.live_ticks", str(ticks))
    _until_ready(writer)
    clients = _connect(bench, address, ticks)
    commits: dict[str, float] = json.loads(writer.communicate("go\n")[0])
    return [
        arrival - commits[tick]
        for tick, arrivals in _arrivals(clients, ticks).items()
        for arrival in arrivals
    ]


def _bare(bench: Bench, address: str, ticks: int) -> list[float]:
    """Seconds from the making of a text to each client, tick by tick."""
    clients = _connect(bench, address, ticks)
    return [
        arrival - datetime.fromisoformat(tick).timestamp()
        for tick, arrivals in _arrivals(clients, ticks, exact=False).items()
        for arrival in arrivals
    ]


def _connect(bench: Bench, address: str, ticks: int) -> "list[subprocess.Popen[str]]":
    url = address.replace("http://", "ws://") + "/ws/telemetry/"
    share = str(CLIENTS // PROCESSES)
    clients = [
        _python(bench, "benchmarks.live_clients", url, share, str(ticks)) for _ in range(PROCESSES)
    ]
    for one in clients:
        _until_ready(one)
    return clients


def _arrivals(
    clients: "list[subprocess.Popen[str]]", ticks: int, exact: bool = True
) -> dict[str, list[float]]:
    """When each tick reached the clients. Raises Incomplete unless all had all of them."""
    found: dict[str, list[float]] = {}
    for one in clients:
        arrivals: Arrivals = json.loads(one.communicate()[0])
        for tick, times in arrivals.items():
            found.setdefault(tick, []).extend(times)
    total = sum(map(len, found.values()))
    if total != ticks * CLIENTS or (exact and len(found) != ticks):
        raise Incomplete(f"{total} of {ticks * CLIENTS} ticks reached a client")
    return found


def _python(bench: Bench, module: str, *arguments: str) -> "subprocess.Popen[str]":
    environment = bench.environment | {"DJANGO_SETTINGS_MODULE": "telemetry_project.settings"}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _until_ready(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None, "it is a pipe"
    if process.stdout.readline() != "ready\n":
        raise Incomplete(f"{process.args!r} ended early")


def _p99_ms(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98] * 1000
