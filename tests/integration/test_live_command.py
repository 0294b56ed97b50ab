"""`runstreamer` with live sources, as a process of its own."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.integration.exporter_server import ExporterServer
from tests.queue_contents import waiting_records
from tests.unit.exporter_samples import page
from workers.management.commands.runstreamer import NO_DRIVER

WAIT_S = 60


def command(environment, *arguments):
    return subprocess.Popen(
        [sys.executable, "manage.py", "runstreamer", *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.fixture
def own_environment(cluster_id):
    return {**os.environ, "CLUSTER_ID": cluster_id}


def test_a_streamer_that_scrapes_ends_in_order_when_it_is_told_to(
    etcd_endpoints, cluster_id, own_environment
):
    up, down = ExporterServer(page(4, "node-1")), ExporterServer(page(4, "node-2"))
    down.hang.set()
    streamer = command(
        own_environment, "--scrape", up.url, "--scrape", down.url, "--interval", "0.2",
        "--scrape-timeout", "10", "--json",
    )  # fmt: skip
    try:
        deadline = time.monotonic() + WAIT_S
        while len(waiting_records(etcd_endpoints, cluster_id)) < 12 or not down.requests:
            assert time.monotonic() < deadline
            assert streamer.poll() is None
            time.sleep(0.1)
        streamer.send_signal(signal.SIGTERM)
        output, _ = streamer.communicate(timeout=WAIT_S)
    finally:
        streamer.kill()
        up.kill()
        down.kill()
    found = waiting_records(etcd_endpoints, cluster_id)
    assert streamer.returncode == 0, output
    assert f'"records_published": {len(found)}' in output
    assert {record.hostname for record in found} == {"node-1"}


@pytest.mark.skipif(os.path.exists("/dev/nvidiactl"), reason="this host has an NVIDIA driver")
def test_without_a_driver_the_streamer_ends_with_a_code_of_its_own(etcd_endpoints, own_environment):
    streamer = command(own_environment, "--nvml")
    output, _ = streamer.communicate(timeout=WAIT_S)
    assert streamer.returncode == NO_DRIVER == 5
    assert "needs NVIDIA's driver on this host" in output
