"""pipeline: one streamer and one collector at once, from file to committed rows."""

import threading

from benchmarks.bench import Bench
from benchmarks.result import Result


def measure(bench: Bench) -> list[Result]:
    """Records per second from the first batch in the queue to the last one gone.

    Needs the limits of `publish` and `collect`, measured before in the same run.
    """
    bench.clear()
    collector = bench.collector()
    try:
        bench.wait_for_collector()
        streamer = threading.Thread(target=bench.stream)
        streamer.start()
        started = bench.wait(lambda: bench.batches() > 0)
        streamer.join()
        ended = bench.wait(lambda: bench.batches() == 0)
    finally:
        collector.stop(20.0)
    bench.clear()
    limit = min(bench.limits["publish"], bench.limits["collect"])
    about = "the smaller limit of publish and collect, each alone on the machine"
    return [Result("pipeline", bench.records / (ended - started), "records/s", limit, about)]
