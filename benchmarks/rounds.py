"""Two ways of doing the same, by turns, so that a busy moment of the machine hits both."""

from collections.abc import Callable
from statistics import median

from apps.embedded.stack import Stack
from benchmarks.bench import Bench


def by_turns(
    bench: Bench, ours: Callable[[Bench], float], bare: Callable[[Bench], float]
) -> tuple[float, float]:
    """The median of each, every run on a fresh etcd: what one leaves behind slows the next."""
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(bench.rounds):
        for way, found in zip((ours, bare), rates, strict=True):
            with Stack(database_url=bench.stack.database_url) as stack:
                found.append(way(Bench(stack, bench.records, bench.latency_s)))
    return median(rates[0]), median(rates[1])
