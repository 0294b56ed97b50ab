"""A collector's memory is bounded, whatever the messages hold."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.mq import Message, Publisher, Queue, QueueConfig
from apps.mq.keys import Keys
from apps.telemetry.models import LatestSample
from apps.telemetry.records import encode
from tests.integration.queue_steps import put
from tests.integration.records import record

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
COUNT = 60
FILLER_BYTES = 1_380_000
# About 170 MB were measured, and 600 MB when 64 batches were read at once.
LIMIT_BYTES = 200_000_000


def large(gpu: int) -> bytes:
    """A message near the limit of 1.4 MB whose bulk nobody knows, so that it is kept in `extra`."""
    return encode(record(gpu))[:-1] + b',"filler":"' + b"x" * FILLER_BYTES + b'"}'


def publish(config: QueueConfig) -> None:
    publisher = Publisher(config)
    for gpu in range(COUNT):
        publisher.publish([Message("h", "0", large(gpu))])
    publisher.flush()
    publisher.close()


def put_plain_keys(config: QueueConfig) -> None:
    for gpu in range(COUNT):
        key = Keys(config.cluster).message_prefix(time.time_ns()) + b"h_0_0"
        put(config, [(key, large(gpu))])


def peak_bytes(pid: int) -> int:
    (line,) = [
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line
    ]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("write", [publish, put_plain_keys])
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="only Linux tells the peak")
def test_messages_of_the_largest_size_fit_into_200_mb(
    etcd_endpoints, cluster_id, environment, write
):
    config = QueueConfig(endpoints=tuple(etcd_endpoints), cluster=cluster_id)
    write(config)
    collector = subprocess.Popen(
        [sys.executable, "manage.py", "runcollector"], cwd=ROOT, env={**os.environ, **environment}
    )
    queue = Queue(config)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while queue.depth():
            assert time.monotonic() < deadline, f"{queue.depth()} messages wait"
            time.sleep(0.1)
        assert LatestSample.objects.count() == COUNT
        assert peak_bytes(collector.pid) < LIMIT_BYTES
    finally:
        collector.kill()
        collector.wait()
        queue.close()
