"""fleet_page_ready and fleet_page_tick: the fleet page of 10,000 GPUs in a real Chromium."""

import time
import urllib.request

from benchmarks.bench import Bench
from benchmarks.fleet_browser import FleetPage, fleet_page, is_there
from benchmarks.result import Result

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
_PARSE = """
const started = performance.now();
for (let turn = 0; turn < 10; turn += 1) window.texts.forEach((text) => JSON.parse(text));
return (performance.now() - started) / 10;
"""


def measure(bench: Bench) -> list[Result]:
    """The page's first view, and some ticks; nothing without a Chromium."""
    if not is_there():
        return []
    with fleet_page(bench, _WATCH) as page:
        transfer_ms = _transfer_ms(page.address)
        ready_ms = page.open()
        ticks = sorted(_tick_ms(page, number + 1) for number in range(_count(bench)))
        parse_ms = float(page.browser.execute_script(_PARSE))
    return [
        Result("fleet_page_ready", ready_ms, "ms", transfer_ms, ABOUT_READY),
        Result("fleet_page_tick", ticks[len(ticks) // 2], "ms", parse_ms, ABOUT_TICK),
    ]


def _count(bench: Bench) -> int:
    return max(3, int(bench.latency_s / 3))


def _transfer_ms(address: str) -> float:
    started = time.perf_counter()
    with urllib.request.urlopen(address + LIST) as answer:
        answer.read()
    return (time.perf_counter() - started) * 1000


def _tick_ms(page: FleetPage, number: int) -> float:
    """What a tick costs the main thread."""
    page.browser.execute_script("window.busy = 0; window.texts = [];")
    page.tick(number)
    return float(page.browser.execute_script("return window.busy"))
