"""pipeline: one streamer and one collector at once, from file to committed rows."""

from concurrent.futures import ThreadPoolExecutor

from benchmarks.bench import Bench
from benchmarks.result import Result


def measure(bench: Bench) -> list[Result]:
    """Records per second from the first batch in the queue to the last one gone.

    Needs the limits of `publish` and `collect`, measured before in the same run.
    """
    bench.make_file()
    collector = bench.collector()
    try:
        bench.wait_for_collector()
        with ThreadPoolExecutor(max_workers=1) as streamer:
            streaming = streamer.submit(bench.stream)
            started = bench.wait(lambda: streaming.done() or bench.batches() > 0)
            records = streaming.result()["records_published"]
            ended = bench.wait(lambda: bench.batches() == 0)
    finally:
        collector.stop(20.0)
    limit = min(bench.limits["publish"], bench.limits["collect"])
    about = "the smaller limit of publish and collect, each alone on the machine"
    return [Result("pipeline", records / (ended - started), "records/s", limit, about)]
