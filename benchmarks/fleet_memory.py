"""fleet_page_memory: what the fleet page of 10,000 GPUs holds after a while of live ticks."""

import logging
import time

from benchmarks.bench import Bench
from benchmarks.fleet_browser import FleetPage, fleet_page, is_there
from benchmarks.result import Result

# Caches and compiled code are of the page's first seconds.
WARM_TICKS = 5
TICK_S = 1.0
# Each question of the driver leaves some 60 bytes in the page: few are asked.
PAUSE_S = 0.5
LOOK_S = 60.0
ABOUT = "the same page before; a ratio of 1 is flat"

logger = logging.getLogger(__name__)


def measure(bench: Bench) -> list[Result]:
    """The heap after `latency_s` of a tick per second; nothing without a Chromium."""
    if not is_there():
        return []
    with fleet_page(bench) as page:
        page.open()
        for number in range(WARM_TICKS):
            page.tick(number + 1, PAUSE_S)
        looks = [_held(page)]
        number = WARM_TICKS
        left_s = bench.latency_s
        while left_s > 0:
            number = _live(page, number, min(left_s, LOOK_S))
            looks.append(_held(page))
            left_s -= LOOK_S
    logger.warning("fleet_page_memory: %d ticks; heap in MB, nodes, listeners: %s", number, looks)
    return [Result("fleet_page_memory", looks[-1][0], "MB", looks[0][0], ABOUT)]


def _live(page: FleetPage, number: int, seconds: float) -> int:
    """Ticks for a while, one at least; the number of the last one."""
    end = time.monotonic() + seconds
    while True:
        started = time.monotonic()
        number += 1
        page.tick(number, PAUSE_S)
        if time.monotonic() >= end:
            return number
        time.sleep(max(0.0, TICK_S - (time.monotonic() - started)))


def _held(page: FleetPage) -> tuple[float, int, int]:
    """The heap in MB, the nodes and the listeners that no garbage collection takes away."""
    command = page.browser.execute_cdp_cmd
    command("HeapProfiler.collectGarbage", {})
    command("Performance.enable", {})
    found = {one["name"]: one["value"] for one in command("Performance.getMetrics", {})["metrics"]}
    return round(found["JSHeapUsedSize"] / 1e6, 2), found["Nodes"], found["JSEventListeners"]
