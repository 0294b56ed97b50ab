"""http and graphql: requests per second of one gateway worker, beside a bare Django view's."""

import json
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from apps.embedded.ports import free_port
from apps.embedded.processes import Child
from benchmarks.bench import ROOT, Bench
from benchmarks.http_fleet import fill
from benchmarks.http_load import Load, load
from benchmarks.latency import publish_steadily
from benchmarks.result import Result

# Answered without PostgreSQL: what the gateway by itself costs.
HEALTH = "/health"
PAGE = "/api/v1/gpus/{}/telemetry"
LATEST = "/api/v1/telemetry/latest"
GPUS_PAGE = "/api/v1/gpus"
ABOUT = "a bare Django view, without middleware, through the same server"
ABOUT_OPEN = "the same pages where all may read, by turns"
ABOUT_ALONE = "the same pages without it, by turns"
# Of the full size, so that a run of few records is a small one.
SAMPLES_PER_RECORD = 10_000 / 200_000


def measure(bench: Bench) -> list[Result]:
    """Every figure over `latency_s` / 4 seconds with 16 connections, those of pages by turns."""
    seconds = max(1.0, bench.latency_s / 4)
    bench.manage("makepartitions")
    uuids = fill(bench.stack.database_url, max(200, int(bench.records * SAMPLES_PER_RECORD)))
    pages = [PAGE.format(uuid) for uuid in uuids]
    token = bench.manage("createtoken", "--name", "bench", "--role", "viewer").split()[0]
    holder = {"Authorization": f"Bearer {token}"}
    with (
        serving(bench, "bare", ["-m", "benchmarks.bare_view"], "/bare") as bare_address,
        gateway(bench) as address,
        gateway(bench, PUBLIC_READ="false") as closed,
    ):
        bare, health, page, with_token = _by_turns(
            bench,
            lambda: load(bare_address, ["/bare"], seconds),
            lambda: load(address, [HEALTH], seconds),
            lambda: load(address, pages, seconds),
            lambda: load(closed, pages, seconds, holder),
        )
        return [
            _rate("http_health", health, bare),
            Result("http_gpu_telemetry", page.per_s, "requests/s", bare.per_s, ABOUT),
            Result("http_gpu_telemetry_p99", page.p99_ms, "ms", bare.p99_ms, ABOUT),
            Result("http_with_token", with_token.per_s, "requests/s", page.per_s, ABOUT_OPEN),
            _rate("http_latest", load(address, [LATEST], seconds), bare),
            _rate("http_gpus", load(address, [GPUS_PAGE], seconds), bare),
            _rate("graphql_gpu", _graphql(address, uuids, seconds), bare),
            _beside_ingest(bench, address, pages, seconds),
        ]


def _by_turns(bench: Bench, *ways: Callable[[], Load]) -> list[Load]:
    """The medians of each, so that a busy moment of the machine hits all of them."""
    found = [[way() for way in ways] for _ in range(bench.rounds)]
    return [
        Load(median(one.per_s for one in turns), median(one.p99_ms for one in turns))
        for turns in zip(*found, strict=True)
    ]


def _rate(name: str, measured: Load, bare: Load) -> Result:
    return Result(name, measured.per_s, "requests/s", bare.per_s, ABOUT)


def _graphql(address: str, uuids: list[str], seconds: float) -> Load:
    """One GPU with its facts, its latest values and its last ten samples of four metrics."""
    query = (
        "query($uuid: String!) { gpu(uuid: $uuid) { uuid model_name host { hostname }"
        " latest { timestamp gpu_utilization power_draw temperature memory_used_mib }"
        " telemetry(limit: 10, order: desc) {"
        " timestamp gpu_utilization power_draw temperature memory_used_mib } } }"
    )
    body = json.dumps({"query": query, "variables": {"uuid": uuids[0]}})
    answer = _post(f"{address}/graphql", body)
    if "errors" in answer or len(answer["data"]["gpu"]["telemetry"]) != 10:
        raise RuntimeError(f"GraphQL answered {answer}")
    return load(address, ["/graphql"], seconds, {"Content-Type": "application/json"}, body)


def _post(url: str, body: str) -> Any:
    request = urllib.request.Request(
        url, body.encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def _beside_ingest(bench: Bench, address: str, pages: list[str], seconds: float) -> Result:
    """The pages while a collector stores 5,000 records a second."""
    collector = bench.collector()
    bench.wait_for_collector()

    def beside() -> Load:
        ingest = threading.Thread(target=publish_steadily, args=(bench, seconds + 3.0))
        ingest.start()
        try:
            bench.wait(lambda: bench.batches() > 0)
            return load(address, pages, seconds)
        finally:
            ingest.join()

    try:
        alone, busy = _by_turns(bench, lambda: load(address, pages, seconds), beside)
    finally:
        collector.stop(20.0)
    return Result("http_beside_ingest", busy.per_s, "requests/s", alone.per_s, ABOUT_ALONE)


@contextmanager
def gateway(bench: Bench, **settings: str) -> Iterator[str]:
    """A gateway with these settings; its address."""
    arguments = [str(ROOT / "manage.py"), "rungateway", "--port"]
    with serving(bench, "gateway", arguments, "/ready", **settings) as address:
        yield address


@contextmanager
def serving(
    bench: Bench, name: str, arguments: list[str], probe: str, **settings: str
) -> Iterator[str]:
    """A server that answers `probe`; its port is its last argument."""
    port = free_port()
    log = bench.stack.directory / "log" / f"{name}.log"
    environment = bench.environment | settings
    child = Child(name, [sys.executable, *arguments, str(port)], log, environment, ROOT)
    child.start()
    address = f"http://127.0.0.1:{port}"
    try:
        bench.wait(lambda: _answers(address + probe))
        yield address
    finally:
        child.stop(20.0)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False
