"""Reads of the fleet by REST go to the replica, everything else and every doubt to the primary."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from apps.embedded.processes import StartFailed
from tests.integration.streaming_replica import replicated
from tests.integration.test_gateway_server import gateway

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60
MAX_LAG_S = "2"
GPU = """
WITH c AS (INSERT INTO telemetry_cluster (slug) VALUES (%(name)s) RETURNING id),
     h AS (INSERT INTO telemetry_host (hostname, cluster_id)
           SELECT %(name)s, id FROM c RETURNING id)
INSERT INTO telemetry_gpu (uuid, gpu_index, host_id, described_at)
SELECT %(name)s, 0, id, now() FROM h
"""

# Whether somebody asks for GPUs here.
ASKED = """
SELECT count(*) > 0 FROM pg_stat_activity
 WHERE query ILIKE '%telemetry_gpu%' AND pid <> pg_backend_pid()
"""


def count(address, timeout=DEADLINE_S):
    with urllib.request.urlopen(f"{address}/api/v1/gpus", timeout=timeout) as answer:
        return json.load(answer)["count"]


def until(condition, what):
    pause = threading.Event()
    for _ in range(DEADLINE_S * 20):
        with suppress(psycopg.OperationalError, TimeoutError):
            if condition():
                return
        pause.wait(0.05)
    raise AssertionError(what)


@pytest.fixture
def servers(tmp_path):
    try:
        with replicated(tmp_path) as both:
            environment = {**os.environ, "DATABASE_URL": both.primary}
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity=0"],
                cwd=ROOT, env=environment, check=True, timeout=120,
            )  # fmt: skip
            yield both, environment | {
                "PUBLIC_READ": "true", "REPLICA_DATABASE_URL": both.replica,
                "REPLICA_MAX_LAG_S": MAX_LAG_S,
            }  # fmt: skip
    except StartFailed as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


def test_reads_follow_a_streaming_replica_and_leave_it_when_it_lags_dies_or_hangs(servers):
    both, environment = servers
    with (
        psycopg.connect(both.primary, autocommit=True) as primary,
        gateway(environment, "--workers", 1) as (_, address),
    ):

        def is_read():
            """Whether the replica is; each look asks the gateway once more."""
            count(address)
            with psycopg.connect(both.replica) as replica:
                return replica.execute(ASKED).fetchone() == (True,)

        primary.execute(GPU, {"name": "a"})
        until(is_read, "the replica is not read")
        until(lambda: count(address) == 1, "what was written does not reach the replica")
        both.hold_back("pause")
        primary.execute(GPU, {"name": "b"})
        assert count(address) == 1, "it may lag for MAX_LAG_S"
        until(lambda: count(address) == 2, "a replica that lags is read for ever")
        both.hold_back("resume")
        primary.execute(GPU, {"name": "c"})
        until(lambda: count(address) == 3, "what was written does not show")
        until(is_read, "a replica that caught up is not read")
        both.server.kill()
        assert [count(address) for _ in range(20)] == [3] * 20, "somebody sees that it is gone"
        both.server.start()
        until(is_read, "a replica that came back is not read")
        both.send(signal.SIGSTOP)
        primary.execute(GPU, {"name": "d"})
        until(lambda: count(address, timeout=1) == 4, "a replica that hangs is asked for ever")
        both.send(signal.SIGCONT)
        until(is_read, "a replica that goes on is not read")
