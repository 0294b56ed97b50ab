"""The fleet page of many GPUs in a real Chromium: what its figures share."""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from apps.mq import Message, Publisher
from apps.telemetry.records import Record, encode
from benchmarks.bench import Bench
from benchmarks.http import gateway

GPUS_PER_HOST = 8
# Of the full size, 10,000 GPUs, so that a run of few records is a small one.
HOSTS_PER_RECORD = 1250 / 200_000
PATIENCE_S = 60.0
PAUSE_S = 0.05
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--window-size=1500,1000", "--enable-precise-memory-info")  # fmt: skip
_SHOWN = """
const totals = document.querySelector("#totals")?.textContent ?? "";
const live = document.querySelector("#connection")?.dataset.state === "live";
return totals.includes(arguments[0]) && live ? performance.now() : null;
"""

logger = logging.getLogger(__name__)


class NotShown(Exception):
    """The page never showed what it should; the figure would be none."""


@dataclass(frozen=True)
class FleetPage:
    """A browser, and the fleet that its page shows."""

    browser: webdriver.Chrome
    address: str
    publisher: Publisher
    hosts: int

    def open(self) -> float:
        """Milliseconds from the navigation until the totals are of all GPUs and it is live."""
        self.browser.get(f"{self.address}/")
        gpus = f"{self.hosts * GPUS_PER_HOST:,}"
        return float(self.until(_SHOWN, f"{gpus} of {gpus}"))

    def tick(self, number: int, pause_s: float = PAUSE_S) -> None:
        """A new sample of every GPU; returns when the page shows it. Raises NotShown."""
        utilization = float(number % 100)
        publish(self.publisher, self.hosts, utilization)
        self.until(_SHOWN, f"{utilization:.1f} %", pause_s=pause_s)

    def until(self, script: str, *arguments: Any, pause_s: float = PAUSE_S) -> Any:
        """What the script gives once it gives something. Raises NotShown."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := self.browser.execute_script(script, *arguments)):
            if time.monotonic() > deadline:
                raise NotShown(f"the page did not show {arguments} in {PATIENCE_S:.0f} s")
            time.sleep(pause_s)
        return found


def is_there() -> bool:
    """Whether there is a Chromium; says so where there is none."""
    found = bool(shutil.which("chromedriver") and any(map(shutil.which, BROWSERS)))
    if not found:
        logger.warning("the fleet page is left out: chromium and chromedriver are missing")
    return found


@contextmanager
def fleet_page(bench: Bench, script: str = "") -> Iterator[FleetPage]:
    """A fleet that has reported once, and a browser for its page, where `script` runs first."""
    hosts = max(25, int(bench.records * HOSTS_PER_RECORD))
    collector = bench.collector()
    publisher = Publisher(bench.config)
    try:
        with gateway(bench, PUBLIC_READ="true") as address, _browser(script) as browser:
            publish(publisher, hosts, 0.0)
            _wait_until_stored(bench, hosts)
            yield FleetPage(browser, address, publisher, hosts)
    finally:
        publisher.close()
        collector.stop(20.0)


@contextmanager
def _browser(script: str) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    for flag in FLAGS:
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        yield browser
    finally:
        browser.quit()


def publish(publisher: Publisher, hosts: int, utilization: float) -> None:
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
