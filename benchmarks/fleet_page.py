"""fleet_page_ready and fleet_page_tick: the fleet page of 10,000 GPUs in a real Chromium."""

import logging
import shutil
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from apps.mq import Message, Publisher
from apps.telemetry.records import Record, encode
from benchmarks.bench import Bench
from benchmarks.http import gateway
from benchmarks.result import Result

GPUS_PER_HOST = 8
# Of the full size, 10,000 GPUs, so that a run of few records is a small one.
HOSTS_PER_RECORD = 1250 / 200_000
PATIENCE_S = 60.0
PAUSE_S = 0.05
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--window-size=1500,1000", "--enable-precise-memory-info")  # fmt: skip
LIST = (
    "/api/v1/telemetry/latest?metrics="
    "gpu_utilization%2Cmemory_used_mib%2Cmemory_free_mib%2Cpower_draw%2Ctemperature"
)
ABOUT_READY = "the list of GPUs alone, asked for anew by a client that only receives it"
ABOUT_TICK = "the same messages parsed as JSON in the same browser, and nothing done with them"
# Whatever the page does with a message, a frame or a timer, in milliseconds of its main thread.
# Pixels are filled elsewhere; the commands that ask for them are in it.
_WATCH = """
window.busy = 0; window.texts = [];
const take = WebSocket.prototype.addEventListener;
WebSocket.prototype.addEventListener = function (kind, listener) {
  if (kind !== "message") return take.call(this, kind, listener);
  return take.call(this, kind, (event) => {
    window.texts.push(event.data);
    const started = performance.now(); listener(event); window.busy += performance.now() - started;
  });
};
for (const name of ["requestAnimationFrame", "setTimeout"]) {
  const real = window[name].bind(window);
  window[name] = (work, ...rest) => real((...given) => {
    const started = performance.now(); work(...given); window.busy += performance.now() - started;
  }, ...rest);
}
"""
_READY = """
const totals = document.querySelector("#totals")?.textContent ?? "";
const live = document.querySelector("#connection")?.dataset.state === "live";
return totals.includes(arguments[0]) && live ? performance.now() : null;
"""
_PARSE = """
const started = performance.now();
for (let turn = 0; turn < 10; turn += 1) window.texts.forEach((text) => JSON.parse(text));
return (performance.now() - started) / 10;
"""

logger = logging.getLogger(__name__)


class NotShown(Exception):
    """The page never showed what it should; the figure would be none."""


def measure(bench: Bench) -> list[Result]:
    """The page's first view, and some ticks; nothing without a Chromium."""
    if not (shutil.which("chromedriver") and any(map(shutil.which, BROWSERS))):
        logger.warning("fleet_page is left out: chromium and chromedriver are missing")
        return []
    hosts = max(25, int(bench.records * HOSTS_PER_RECORD))
    collector = bench.collector()
    publisher = Publisher(bench.config)
    try:
        with gateway(bench, PUBLIC_READ="true") as address, _browser() as browser:
            _publish(publisher, hosts, 0.0)
            _wait_until_stored(bench, hosts)
            transfer_ms = _transfer_ms(address)
            ready_ms = _ready_ms(browser, address, hosts)
            ticks, heaps = _ticks(browser, publisher, hosts, max(3, int(bench.latency_s / 3)))
            parse_ms = float(browser.execute_script(_PARSE))
    finally:
        publisher.close()
        collector.stop(20.0)
    logger.warning("fleet_page: ticks %s ms, heap after each %s MB", [*map(round, ticks)], heaps)
    return [
        Result("fleet_page_ready", ready_ms, "ms", transfer_ms, ABOUT_READY),
        Result("fleet_page_tick", ticks[len(ticks) // 2], "ms", parse_ms, ABOUT_TICK),
    ]


@contextmanager
def _browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    for flag in FLAGS:
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        yield browser
    finally:
        browser.quit()


def _publish(publisher: Publisher, hosts: int, utilization: float) -> None:
    """One record of every GPU, stamped now."""
    now = datetime.now(UTC)
    publisher.publish(
        [
            Message(f"node-{host}", str(gpu), encode(_record(now, host, gpu, utilization)))
            for host in range(hosts)
            for gpu in range(GPUS_PER_HOST)
        ]
    )
    publisher.flush()


def _record(now: datetime, host: int, gpu: int, utilization: float) -> Record:
    return Record(
        timestamp=now, gpu_id=gpu, hostname=f"node-{host}", device=f"nvidia{gpu}",
        uuid=f"GPU-{host:04d}{gpu:04d}-86f3-7a43-b711-4771313afc50",
        model_name="NVIDIA H100 80GB HBM3", gpu_utilization=utilization,
        temperature=30.0 + host % 50, power_draw=100.0 + host % 500,
        memory_used_mib=float(host * 13 % 80_000), memory_free_mib=81_000.0 - host * 13 % 80_000,
    )  # fmt: skip


def _wait_until_stored(bench: Bench, hosts: int) -> None:
    with psycopg.connect(bench.stack.database_url, autocommit=True) as own:
        count = "SELECT count(*) FROM telemetry_latestsample"
        bench.wait(lambda: _first(own.execute(count)) == hosts * GPUS_PER_HOST)
        own.execute("VACUUM ANALYZE")


def _first(found: "psycopg.Cursor[Any]") -> Any:
    row = found.fetchone()
    return row and row[0]


def _transfer_ms(address: str) -> float:
    started = time.perf_counter()
    with urllib.request.urlopen(address + LIST) as answer:
        answer.read()
    return (time.perf_counter() - started) * 1000


def _ready_ms(browser: webdriver.Chrome, address: str, hosts: int) -> float:
    """From the navigation until the totals are of all GPUs and the page is live."""
    browser.get(f"{address}/")
    gpus = f"{hosts * GPUS_PER_HOST:,}"
    return float(_until(browser, _READY, f"{gpus} of {gpus}"))


def _ticks(
    browser: webdriver.Chrome, publisher: Publisher, hosts: int, count: int
) -> tuple[list[float], list[int]]:
    """Main-thread milliseconds of each tick, sorted, and the heap in MB after each."""
    found: list[float] = []
    heaps: list[int] = []
    for tick in range(1, count + 1):
        _until(browser, "window.busy = 0; window.texts = []; return true")
        utilization = float(tick % 100)
        _publish(publisher, hosts, utilization)
        _until(browser, _READY, f"{utilization:.1f} %")
        found.append(float(browser.execute_script("return window.busy")))
        browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        heap = browser.execute_script("return performance.memory.usedJSHeapSize")
        heaps.append(round(heap / 1e6))
    return sorted(found), heaps


def _until(browser: webdriver.Chrome, script: str, *arguments: Any) -> Any:
    """What the script gives once it gives something. Raises NotShown."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := browser.execute_script(script, *arguments)):
        if time.monotonic() > deadline:
            raise NotShown(f"the page did not show {arguments} in {PATIENCE_S:.0f} s")
        time.sleep(PAUSE_S)
    return found
