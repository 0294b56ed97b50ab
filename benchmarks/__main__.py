"""`python -m benchmarks`: measure on a private stack, print a table, write var/bench.json."""

import argparse
import json
import os
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from apps.embedded.etcd import etcd_version, find_etcd
from apps.embedded.stack import Stack
from benchmarks import (
    collect,
    fleet_memory,
    fleet_page,
    http,
    latency,
    live,
    parse,
    pipeline,
    publish,
    queue_consume,
    queue_publish,
    scale,
    storage,
)
from benchmarks.bench import ROOT, Bench
from benchmarks.result import Result

# In this order: pipeline comes after those whose limits it uses.
BENCHMARKS = {
    "queue_publish": queue_publish.measure,
    "queue_consume": queue_consume.measure,
    "latency": latency.measure,
    "parse_dcgm": parse.measure_dcgm,
    "parse_wide": parse.measure_wide,
    "publish": publish.measure,
    "collect": collect.measure,
    "pipeline": pipeline.measure,
    "scale": scale.measure,
    "storage": storage.measure,
    "http": http.measure,
    "live": live.measure,
    "fleet_page": fleet_page.measure,
    "fleet_page_memory": fleet_memory.measure,
}
NEEDS_OTHERS = "pipeline"
LIBRARY_ALONE = {"queue_publish", "queue_consume", "parse_dcgm", "parse_wide"}


def main() -> int:
    """Measure what is asked for; 0 when every benchmark ran."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument(
        "--records", type=int, default=200_000, help="how many, in steps of 1000 (default: 200000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="of what is measured by turns (default: 3)"
    )
    parser.add_argument("--latency-s", type=float, default=20.0, help="seconds (default: 20)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    names = [name for name in BENCHMARKS if not options.names or name in options.names]
    if NEEDS_OTHERS in names:
        names = sorted({*names, "publish", "collect"}, key=list(BENCHMARKS).index)
    console = Console(stderr=True)
    results: list[Result] = []
    limits: dict[str, float] = {}
    for name in names:
        # Servers of its own each: none pays for compacting what another left behind.
        with console.status(f"measuring {name}"), Stack() as stack:
            bench = Bench(stack, options.records, options.latency_s, limits, options.rounds)
            if name not in LIBRARY_ALONE:
                bench.make_tables()
            results += BENCHMARKS[name](bench)
    Console().print(_table(results))
    _write([result.as_json() for result in results])
    return 0


def _table(results: list[Result]) -> Table:
    machine = (
        f"{os.cpu_count()} cores, Python {platform.python_version()} of {sys.base_prefix},"
        f" etcd {'.'.join(map(str, etcd_version(find_etcd())))}, every server on this machine"
    )
    table = Table("figure", "measured", "limit", "ratio", "what the limit is", caption=machine)
    for result in results:
        table.add_row(
            result.name,
            f"{result.value:,.1f} {result.unit}",
            f"{result.limit:,.1f}",
            f"{result.ratio:.2f}",
            result.about_limit,
        )
    return table


def _write(entries: list[dict[str, object]]) -> None:
    path = Path(os.environ.get("VAR_DIR", ROOT / "var")) / "bench.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
